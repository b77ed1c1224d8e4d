import { BLOCK_MEMORY, type BlockInflater } from './block-inflater.ts'
import { DeflateCodes, MOST_ENTRIES } from './deflate-codes.ts'
import { readCodes } from './deflate-header.ts'
import { INFLATE } from './inflate-code.ts'
import { WasmProgram } from './wasm-program.ts'

/** What inflate.wat exports. */
interface Code {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly at: { readonly value: number }
  readonly bit: { readonly value: number }
  readonly out: { readonly value: number }
  inflate: BlockInflater['inflate']
}

const program = new WasmProgram<Code>(INFLATE)

/** For where there is no native code. */
export class WasmBlockInflater implements BlockInflater {
  readonly #code = program.start()
  readonly memory = this.#code.memory.buffer
  readonly inflate = this.#code.inflate
  readonly #view = new DataView(this.memory, 0, BLOCK_MEMORY)
  readonly #codes = new DeflateCodes(new Int32Array(this.memory, 0, MOST_ENTRIES))

  get byte(): number {
    return this.#code.at.value
  }

  get bit(): number {
    return this.#code.bit.value
  }

  get out(): number {
    return this.#code.out.value
  }

  setFixed(): void {
    this.#codes.setFixed()
  }

  readCodes(bit: number): number | undefined {
    return readCodes(this.#view, bit, this.#codes)
  }
}
