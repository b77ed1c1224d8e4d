import { crc32 } from 'node:zlib'
import { DEFLATE } from './deflate-code.ts'
import { WasmProgram } from './wasm-program.ts'

/** What deflate.c exports, and its memory. */
interface Code {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  start(): number
  bound(size: number): number
  deflate(from: number, size: number, to: number): number
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
  gzip(raw: Uint8Array): Uint8Array<ArrayBuffer> {
    const size = raw.byteLength
    const to = this.#from + ALIGNMENT * Math.ceil(size / ALIGNMENT)
    const memory = this.#reach(to + HEADER.length + (this.#code.bound(size) >>> 0) + TRAILER)
    memory.set(raw, this.#from)
    memory.set(HEADER, to)
    const end = to + HEADER.length + this.#code.deflate(this.#from, size, to + HEADER.length)
    const view = new DataView(memory.buffer, end, TRAILER)
    view.setUint32(0, crc32(raw), true)
    view.setUint32(4, size, true)
    return memory.subarray(to, end + TRAILER)
  }

  /** The memory, in which there are at least `end` bytes. */
  #reach(end: number): Uint8Array<ArrayBuffer> {
    const { memory } = this.#code
    const missing = end - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
    return new Uint8Array(memory.buffer)
  }
}
