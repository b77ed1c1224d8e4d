import { closeSync, openSync } from 'node:fs'
import type { UnpackOrder } from './inflated-tar.ts'
import type { ScanAnswer, ScanNews } from './scan-messages.ts'
import type { Follower } from './temp-file.ts'
import { errorOf } from './thread-failure.ts'

/** Bytes that a file grows by before the thread hears of it. */
const STEP = 1 << 20

/** What is wanted of a file. */
export interface ScanOrder {
  /** Its sha256. */
  readonly hashed?: boolean
  /** What it holds, as a raw tar. */
  readonly unpack?: UnpackOrder
}

/** A look at a gzip file, at rest or while it is being written. */
export interface GzipScan extends Follower {
  /** Rejects when the file is given up, or a thread fails; with ARCHIVE_INVALID and the like only when unpacking. */
  readonly answer: Promise<ScanAnswer>
  /** Why `answer` is going to be rejected. */
  readonly failure: FailedScan | undefined
}

export interface FailedScan {
  readonly error: unknown
  /** The first bytes that were unpacked; nothing of one that is divided. */
  readonly head: Uint8Array
}

/** A file that one thread looks through. */
export class FileScan implements GzipScan {
  readonly answer: Promise<ScanAnswer>
  failure: FailedScan | undefined
  /** Bytes of the raw tar that were written, and who wants to hear of it. */
  written = 0
  onWritten: ((size: number) => void) | undefined
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
  constructor(scan: number, path: string, order: ScanOrder, tell: (news: ScanNews) => void) {
    this.#news = { scan, descriptor: openSync(path, 'r'), size: 0, state: 'growing', ...order }
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

  /** Nobody wants to know any more, even if it has ended. */
  giveUp(): void {
    this.#ended = true
    this.#tell({ ...this.#news, size: this.#size, state: 'gone' })
  }

  /** For whoever has the thread: it has written so many bytes of the raw tar. */
  wrote(size: number): void {
    this.written = size
    this.onWritten?.(size)
  }

  /** For whoever has the thread, which needs the file no longer. */
  settle(result: ScanAnswer | Error): void {
    closeSync(this.#news.descriptor)
    if (result instanceof Error) this.#fail(result)
    else if (result.failure === undefined) this.#done.resolve(result)
    else {
      this.wrote(result.written ?? this.written)
      this.#fail(errorOf(result.failure), result.head)
    }
  }

  #fail(error: unknown, head: Uint8Array = new Uint8Array()): void {
    this.failure = { error, head }
    this.#done.reject(error)
  }
}
