import { crc32 } from './crc32.ts'

const EXTRA_FIELD = 4
const NAME = 8
const COMMENT = 16
const CHECKSUM = 2
const RESERVED = 0xe0

/**
 * How many bytes the header of a gzip member has.
 * @param bytes from the header on
 * @returns undefined when no member begins so; 'more' when the header goes on after `bytes`. Source: RFC 1952, section 2.3
 */
export function gzipHeaderSize(bytes: Uint8Array): number | 'more' | undefined {
  const [first, second, method, flags] = bytes
  if ((first ?? 0x1f) !== 0x1f || (second ?? 0x8b) !== 0x8b || (method ?? 8) !== 8) return undefined
  if (flags === undefined || bytes.byteLength < 10) return 'more'
  if ((flags & RESERVED) !== 0) return undefined
  let size = 10
  if ((flags & EXTRA_FIELD) !== 0) {
    if (bytes.byteLength < 12) return 'more'
    size += 2 + bytes[10]! + 256 * bytes[11]!
  }
  for (const field of [NAME, COMMENT]) {
    if ((flags & field) === 0) continue
    const end = bytes.indexOf(0, size)
    if (end < 0) return 'more'
    size = end + 1
  }
  if ((flags & CHECKSUM) === 0) return size <= bytes.byteLength ? size : 'more'
  if (size + 2 > bytes.byteLength) return 'more'
  const sum = bytes[size]! + 256 * bytes[size + 1]!
  return sum === (crc32(bytes.subarray(0, size)) & 0xffff) ? size + 2 : undefined
}
