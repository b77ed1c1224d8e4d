import type { GzipBlocks } from './gzip-blocks.ts'

/** What describes a block takes 25 bytes: nobody makes so many that this is too little, but to do harm. */
const MOST_BLOCKS = 1 << 18

/** The columns of `GzipBlocks`, as blocks are found. */
export class BlockRecorder {
  /** There are more than are kept. */
  isTooMany = false
  readonly #raw = [0]
  readonly #start: number[] = []
  readonly #end: number[] = []
  readonly #flags: number[] = []

  get count(): number {
    return this.#start.length
  }

  /** @param bit of the file */
  begin(bit: number, flags: number): void {
    this.isTooMany ||= this.count === MOST_BLOCKS
    if (this.isTooMany) return
    this.#start.push(bit)
    this.#flags.push(flags)
  }

  /** @param size of all raw data so far */
  end(bit: number, size: number): void {
    if (this.isTooMany) return
    this.#end.push(bit)
    this.#raw.push(size)
  }

  /** undefined when there are too many. */
  finish(checks: Uint32Array): GzipBlocks | undefined {
    if (this.isTooMany) return undefined
    return {
      count: this.count,
      raw: Float64Array.from(this.#raw),
      start: Float64Array.from(this.#start),
      end: Float64Array.from(this.#end),
      flags: Uint8Array.from(this.#flags),
      checks,
    }
  }
}
