import { closeSync, openSync } from 'node:fs'
import type { ScanAnswer, ScanNews } from './gzip-worker.ts'
import type { UnpackOrder } from './inflated-tar.ts'
import type { Follower } from './temp-file.ts'
import { errorOf } from './thread-failure.ts'

/** Bytes that a file grows by before the thread hears of it. */
const STEP = 1 << 20

/** What is wanted of a gzip file besides its blocks. */
export interface ScanWishes {
  /** Its sha256. */
  readonly hashed?: boolean
  /** What it holds, as a raw tar. */
  readonly unpack?: UnpackOrder
}

/** A gzip file that a thread looks through, at rest or while it is being written. */
export class GzipScan implements Follower {
  /** Rejects when the file is given up, or the thread fails; with ARCHIVE_INVALID and the like only when unpacking. */
  readonly answer: Promise<ScanAnswer>
  /** What `answer` was rejected with, and the first bytes that were unpacked. */
  failure: { readonly error: unknown; readonly head: Uint8Array } | undefined
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
  constructor(scan: number, path: string, { hashed = false, unpack }: ScanWishes, tell: (news: ScanNews) => void) {
    this.#news = { scan, descriptor: openSync(path, 'r'), size: 0, state: 'growing', hashed, unpack }
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
    if (result instanceof Error) this.#fail(result)
    else if (result.failure !== undefined) this.#fail(errorOf(result.failure), result.head)
    else this.#done.resolve(result)
  }

  #fail(error: unknown, head: Uint8Array = new Uint8Array()): void {
    this.failure = { error, head }
    this.#done.reject(error)
  }
}
