import { crc32 } from 'node:zlib'
import { DEFLATE } from './deflate-code.ts'
import { openMember } from './open-member.ts'
import { WasmProgram } from './wasm-program.ts'

/** What deflate.c exports, and its memory. */
interface Code {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  start(): number
  bound(size: number): number
  deflate(from: number, size: number, to: number): number
  open(from: number, size: number, to: number): number
}

/** No name, no time, an unknown system. Source: RFC 1952, section 2.3 */
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]
/** CRC-32 and size of the raw data. */
const TRAILER = 8

const PAGE = 64 << 10
/** V8 copies from memory that threads share by words where both sides are in the same place of one, else by bytes. */
const ALIGNMENT = 64

const program = new WasmProgram<Code>(DEFLATE)

/**
 * Makes gzip members by libdeflate at level 6: the same bytes on every machine. It has three quarters of a megabyte of
 * memory, and as much more as the largest raw piece so far and its member at worst.
 */
export class Deflater {
  readonly #code = program.start()
  readonly #from = this.#code.start()

  /**
   * One gzip member (RFC 1952), in memory that is used again by the next call.
   * @throws RangeError where there is no memory for it
   */
  gzip(raw: Uint8Array): Uint8Array {
    return this.#closed(raw, this.#deflate(raw))
  }

  /**
   * What `openMember` makes of `gzip(raw)`: one that goes on. It is looked through only if its blocks end with a byte.
   * @throws RangeError where there is no memory for it
   */
  open(raw: Uint8Array): Uint8Array {
    const deflated = this.#deflate(raw)
    const size = this.#code.open(this.#from, raw.byteLength, deflated.byteOffset)
    return size === 0 ? openMember(this.#closed(raw, deflated)) : behindHeader(deflated, size)
  }

  #closed(raw: Uint8Array, deflated: Uint8Array): Uint8Array {
    const { buffer, byteOffset, byteLength } = deflated
    const trailer = new DataView(buffer, byteOffset + byteLength, TRAILER)
    trailer.setUint32(0, crc32(raw), true)
    trailer.setUint32(4, raw.byteLength, true)
    return behindHeader(deflated, byteLength + TRAILER)
  }

  /** What comes between header, which is there, and trailer, for which there is room. */
  #deflate(raw: Uint8Array): Uint8Array {
    const size = raw.byteLength
    const member = this.#from + ALIGNMENT * Math.ceil(size / ALIGNMENT)
    const to = member + HEADER.length
    const memory = this.#reach(to + (this.#code.bound(size) >>> 0) + TRAILER)
    memory.set(raw, this.#from)
    memory.set(HEADER, member)
    return memory.subarray(to, to + this.#code.deflate(this.#from, size, to))
  }

  /** The memory, in which there are at least `end` bytes. */
  #reach(end: number): Uint8Array {
    const { memory } = this.#code
    const missing = end - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
    return new Uint8Array(memory.buffer)
  }
}

/** The header before it, and `size` bytes. */
function behindHeader({ buffer, byteOffset }: Uint8Array, size: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset - HEADER.length, HEADER.length + size)
}
