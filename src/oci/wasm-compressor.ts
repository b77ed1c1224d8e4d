import { type Compressor, sizeOf } from './compressor.ts'
import { DEFLATE } from './deflate-code.ts'
import { WasmProgram } from './wasm-program.ts'

/** What deflate.c exports as WebAssembly, and its memory. */
interface Code {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  start(): number
  bound(size: number): number
  deflate(from: number, size: number, to: number): number
  open(from: number, size: number, to: number): number
}

const PAGE = 64 << 10
/** V8 copies from memory that threads share by words where both sides are in the same place of one, else by bytes. */
const ALIGNMENT = 64

const program = new WasmProgram<Code>(DEFLATE)

/** It has three quarters of a megabyte of memory, and as much more as the largest raw piece so far and its member at worst. */
export class WasmCompressor implements Compressor {
  readonly #code = program.start()
  readonly #from = this.#code.start()

  deflate(raw: Uint8Array, before: number, behind: number): Uint8Array {
    const size = sizeOf(raw)
    const to = this.#from + ALIGNMENT * Math.ceil(size / ALIGNMENT) + before
    const memory = this.#reach(to + (this.#code.bound(size) >>> 0) + behind)
    memory.set(raw, this.#from)
    return memory.subarray(to, to + this.#code.deflate(this.#from, size, to))
  }

  open(raw: Uint8Array, deflated: Uint8Array): number {
    return this.#code.open(this.#from, raw.byteLength, deflated.byteOffset)
  }

  /** The memory, in which there are at least `end` bytes. */
  #reach(end: number): Uint8Array {
    const { memory } = this.#code
    const missing = end - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
    return new Uint8Array(memory.buffer)
  }
}
