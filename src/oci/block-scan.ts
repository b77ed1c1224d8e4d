import { closeSync, openSync } from 'node:fs'
import type { ScanAnswer, ScanNews } from './block-worker.ts'
import type { Follower } from './temp-file.ts'

/** Bytes that a file grows by before the thread hears of it. */
const STEP = 1 << 20

/** A file that a thread looks through for the blocks of gzip, at rest or while it is being written. */
export class BlockScan implements Follower {
  /** Rejects when the file is given up, or the thread fails. */
  readonly answer: Promise<ScanAnswer>
  readonly #news: ScanNews
  readonly #tell: (news: ScanNews) => void
  readonly #done = Promise.withResolvers<ScanAnswer>()
  #size = 0
  #told = 0
  #ended = false

  /**
   * @param path of a file that exists; it may get another name
   * @param tell passes news on to the thread
   */
  constructor(scan: number, path: string, hashed: boolean, tell: (news: ScanNews) => void) {
    this.#news = { scan, descriptor: openSync(path, 'r'), size: 0, state: 'growing', hashed }
    this.#tell = tell
    this.answer = this.#done.promise
    // Whoever gave the file up does not ask what was found.
    this.answer.catch(() => {})
  }

  grew(size: number): void {
    this.#size = size
    if (size - this.#told < STEP) return
    this.#told = size
    this.#tell({ ...this.#news, size })
  }

  ended(state: 'whole' | 'gone'): void {
    if (this.#ended) return
    this.#ended = true
    this.#tell({ ...this.#news, size: this.#size, state })
  }

  /** For whoever has the thread, which needs the file no longer. */
  settle(result: ScanAnswer | Error): void {
    closeSync(this.#news.descriptor)
    if (result instanceof Error) this.#done.reject(result)
    else if (result.failure !== undefined) this.#done.reject(new Error(result.failure))
    else this.#done.resolve(result)
  }
}
