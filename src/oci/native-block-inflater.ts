import { BLOCK_MEMORY, type BlockInflater } from './block-inflater.ts'
import { DeflateCodes, MOST_ENTRIES } from './deflate-codes.ts'
import type { NativeCode } from './native-code.ts'

/** As the one in WebAssembly, which it stops with at the same symbols; codes are read by native code as well. */
export class NativeBlockInflater implements BlockInflater {
  readonly memory = new ArrayBuffer(BLOCK_MEMORY)
  readonly #code: NativeCode
  readonly #bytes = new Uint8Array(this.memory)
  /** Byte, bit, last, out, full, begin: what native/addon/codec.h calls `inflating`. */
  readonly #at = new Uint32Array(6)
  readonly #codes = new DeflateCodes(new Int32Array(this.memory, 0, MOST_ENTRIES))

  constructor(code: NativeCode) {
    this.#code = code
  }

  get byte(): number {
    return this.#at[0]!
  }

  get bit(): number {
    return this.#at[1]!
  }

  get out(): number {
    return this.#at[3]!
  }

  setFixed(): void {
    this.#codes.setFixed()
  }

  readCodes(bit: number): number | undefined {
    this.#codes.forget()
    const after = this.#code.codes(this.#bytes, bit)
    return after === 0 ? undefined : after
  }

  inflate(byte: number, bit: number, last: number, out: number, full: number, begin: number): number {
    const at = this.#at
    at[0] = byte
    at[1] = bit
    at[2] = last
    at[3] = out
    at[4] = full
    at[5] = begin
    return this.#code.inflate(this.#bytes, at)
  }
}
