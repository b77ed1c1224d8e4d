import { type Compressor, sizeOf } from './compressor.ts'
import type { NativeCode } from './native-code.ts'

/** The thread's own: not two of them at a time. It has room for the largest member so far at worst. */
export class NativeCompressor implements Compressor {
  readonly #code: NativeCode
  #room = new Uint8Array()

  constructor(code: NativeCode) {
    this.#code = code
  }

  deflate(raw: Uint8Array, before: number, behind: number): Uint8Array {
    const needed = before + this.#code.bound(sizeOf(raw)) + behind
    if (needed > this.#room.byteLength) this.#room = Buffer.allocUnsafeSlow(needed)
    return this.#room.subarray(before, before + this.#code.deflate(raw, this.#room, before))
  }

  open(raw: Uint8Array, deflated: Uint8Array): number {
    return this.#code.open(raw, this.#room, deflated.byteOffset)
  }
}
