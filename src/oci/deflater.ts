import type { Compressor } from './compressor.ts'
import { crc32 } from './crc32.ts'
import { nativeCode } from './native-code.ts'
import { NativeCompressor } from './native-compressor.ts'
import { openMember } from './open-member.ts'
import { WasmCompressor } from './wasm-compressor.ts'

/** No name, no time, an unknown system. Source: RFC 1952, section 2.3 */
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]
/** CRC-32 and size of the raw data. */
const TRAILER = 8

/** Makes gzip members by libdeflate at level 6: the same bytes on every machine. */
export class Deflater {
  readonly #compressor: Compressor

  /** @param compressor nobody else's while a member is made */
  constructor(compressor = fastestCompressor()) {
    this.#compressor = compressor
  }

  /**
   * One gzip member (RFC 1952), in memory that is used again by the next call.
   * @throws RangeError where there is no memory for it
   */
  gzip(raw: Uint8Array): Uint8Array {
    return closed(raw, this.#deflate(raw))
  }

  /**
   * What `openMember` makes of `gzip(raw)`: one that goes on. It is looked through only if its blocks end with a byte.
   * @throws RangeError where there is no memory for it
   */
  open(raw: Uint8Array): Uint8Array {
    const deflated = this.#deflate(raw)
    const size = this.#compressor.open(raw, deflated)
    return size === 0 ? openMember(closed(raw, deflated)) : withHeader(deflated, size)
  }

  #deflate(raw: Uint8Array): Uint8Array {
    return this.#compressor.deflate(raw, HEADER.length, TRAILER)
  }
}

/** A whole member: header before what was deflated, trailer behind it. */
function closed(raw: Uint8Array, deflated: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = deflated
  const trailer = new DataView(buffer, byteOffset + byteLength, TRAILER)
  trailer.setUint32(0, crc32(raw), true)
  trailer.setUint32(4, raw.byteLength, true)
  return withHeader(deflated, byteLength + TRAILER)
}

/** The header, and `size` bytes. */
function withHeader({ buffer, byteOffset }: Uint8Array, size: number): Uint8Array {
  const member = new Uint8Array(buffer, byteOffset - HEADER.length, HEADER.length + size)
  member.set(HEADER)
  return member
}

function fastestCompressor(): Compressor {
  const code = nativeCode()
  return code === undefined ? new WasmCompressor() : new NativeCompressor(code)
}
