import { closeSync, openSync, readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type TarSummary, TarSums } from './passing-tar.ts'
import type { TarEndOptions } from './tar-scan.ts'

/** Bytes that are looked at before others have their turn: a millisecond's work. */
const STEP = 1 << 20

/** A raw tar that is summed up here while a thread writes it. */
export class SummedTar {
  /** Rejects as `TarSums` throws, as soon as it does. undefined when it was cut, and nothing is wrong before that. */
  readonly summary: Promise<TarSummary | undefined>
  readonly #descriptor: number
  readonly #sums = new TarSums()
  readonly #options: TarEndOptions
  #size = 0
  /** What the writer has said last. */
  #end: { readonly checks: Uint32Array } | 'cut' | 'gone' | undefined
  #news = Promise.withResolvers<void>()

  /** @param path of a file that exists; it may get another name */
  constructor(path: string, options: TarEndOptions) {
    this.#descriptor = openSync(path, 'r')
    this.#options = options
    this.summary = this.#follow()
    // Whoever gave it up does not ask.
    this.summary.catch(() => {})
  }

  /** For the writer: so many bytes can be read now. */
  grew(size: number): void {
    this.#size = size
    this.#tell()
  }

  /** For the writer: it has so many bytes, and is whole if somebody knows their checks (see `FileChecks`). Once. */
  ended(size: number, checks?: Uint32Array): void {
    this.#end ??= checks === undefined ? 'cut' : { checks }
    this.grew(size)
  }

  /** Nobody wants to know any more. */
  giveUp(): void {
    this.#end = 'gone'
    this.#tell()
  }

  async #follow(): Promise<TarSummary | undefined> {
    try {
      const buffer = Buffer.allocUnsafeSlow(STEP)
      for (let at = 0; ; ) {
        if (this.#end === 'gone') throw new Error('the file was given up')
        if (at < this.#size) {
          at += this.#take(buffer, at)
          await setImmediate()
        } else if (this.#end === 'cut') return undefined
        else if (this.#end !== undefined) return this.#sums.end(this.#end.checks, this.#options)
        else await this.#news.promise
      }
    } finally {
      closeSync(this.#descriptor)
    }
  }

  /** Looks at what comes next. @returns bytes */
  #take(buffer: Buffer, at: number): number {
    const got = readSync(this.#descriptor, buffer, 0, Math.min(STEP, this.#size - at), at)
    if (got === 0) throw new Error(`the file ends at byte ${at}; wanted ${this.#size}`)
    this.#sums.push(buffer.subarray(0, got))
    return got
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }
}
