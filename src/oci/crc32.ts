import { crc32 as byZlib } from 'node:zlib'
import { nativeCode } from './native-code.ts'

/**
 * The CRC-32 of some bytes, or of all when `before` is that of those before them. An unsigned number of 32 bits. Source:
 * RFC 1952, section 8.
 */
export const crc32: (bytes: Uint8Array, before?: number) => number = (bytes, before = 0) => {
  const code = nativeCode()
  return code === undefined ? byZlib(bytes, before) : code.crc32(bytes, before)
}
