import type { FailedScan, FileScan, GzipScan } from './file-scan.ts'
import type { ScanAnswer } from './scan-messages.ts'
import type { SummedTar } from './summed-tar.ts'

/**
 * A gzip file that a thread inflates into a raw tar, which is summed up here. What it gives, and what it fails with, is
 * what a thread would that does both: what is wrong with bytes of the tar comes before what is wrong behind them in the
 * gzip file, or with the disk, whichever is seen first.
 */
export class DividedScan implements GzipScan {
  readonly answer: Promise<ScanAnswer>
  failure: FailedScan | undefined
  readonly #inflating: FileScan
  readonly #summed: SummedTar

  /**
   * @param inflating the gzip file, to be unpacked without its sums
   * @param summed the raw tar that it is unpacked into
   */
  constructor(inflating: FileScan, summed: SummedTar) {
    this.#inflating = inflating
    this.#summed = summed
    inflating.onWritten = (size) => summed.grew(size)
    this.answer = this.#both()
    // Here, too, since nobody need ask.
    this.answer.catch((error: unknown) => {
      this.failure = { error, head: new Uint8Array() }
    })
  }

  grew(size: number): void {
    this.#inflating.grew(size)
  }

  ended(state: 'whole' | 'gone'): void {
    this.#inflating.ended(state)
    if (state === 'gone') this.#summed.giveUp()
  }

  async #both(): Promise<ScanAnswer> {
    const inflated = this.#inflating.answer
    inflated.then(
      ({ raw }) => this.#summed.ended(raw?.size ?? 0, raw?.checks),
      // All that it has written is looked at first.
      () => this.#summed.ended(this.#inflating.written),
    )
    const tar = await this.#summed.summary.catch((error: unknown) => {
      this.#inflating.giveUp()
      throw error
    })
    return { ...(await inflated), tar }
  }
}
