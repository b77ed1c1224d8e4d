import { DividedScan } from './divided-scan.ts'
import { FileScan, type GzipScan, type ScanOrder } from './file-scan.ts'
import { ScanThread } from './scan-thread.ts'
import { SummedTar } from './summed-tar.ts'

/** More would be in each other's way: all of them are busy, and so are those who fetch. */
const MOST = 2
/**
 * Bytes of a gzip file from which on, if no other is being looked at, its raw tar is summed up by the thread that fetches:
 * there is more left to inflate than to fetch. To read the tar for that costs a tenth of the CPU time or less.
 */
const DIVIDED = 16 << 20

/** What is wanted of a gzip file besides its blocks. */
export interface ScanWishes extends Pick<ScanOrder, 'hashed' | 'unpack'> {
  /** Bytes that it is going to have, if somebody knows. */
  readonly size?: number
}

/** Threads that look through gzip files, each through several at once. They end with the last file that they had. */
export class GzipScans {
  readonly #threads = new Set<ScanThread>()
  #count = 0
  #waiting = 0
  #closed = false

  /** @param early a thread that was started before; it ends with the others */
  constructor(early?: ScanThread) {
    if (early !== undefined && !early.isEnding) this.#add(early)
  }

  /**
   * Begins to look at a file that exists, of which nothing is there before the scan hears so.
   */
  start(path: string, { size = 0, hashed = false, unpack }: ScanWishes = {}): GzipScan {
    if (this.#closed) throw new Error('the scanning threads have ended')
    if (unpack === undefined) return this.#begin(path, { hashed })
    const isDivided = size >= DIVIDED && this.#isIdle()
    const scan = this.#begin(path, { hashed, unpack: { ...unpack, isDivided } })
    return isDivided ? new DividedScan(scan, new SummedTar(unpack.path, unpack.end)) : scan
  }

  /** What the promise resolves to. Threads keep the process alive only while somebody waits so. */
  async waitFor<T>(found: Promise<T>): Promise<T> {
    this.#waiting++
    for (const thread of this.#threads) thread.ref()
    try {
      return await found
    } finally {
      this.#waiting--
      // Threads that are being ended have to be heard of.
      if (this.#waiting === 0 && !this.#closed) for (const thread of this.#threads) thread.unref()
    }
  }

  /** Has a thread ready before there is a file to look at. */
  prepare(): void {
    if (!this.#closed && this.#threads.size === 0) this.#start()
  }

  /** Ends the threads, whatever they are doing; scans under way reject. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(Array.from(this.#threads, (thread) => thread.end()))
  }

  #begin(path: string, order: ScanOrder): FileScan {
    const thread = this.#leastBusy()
    const number = this.#count++
    const scan = new FileScan(number, path, order, (news) => thread.tell(news))
    thread.scans.set(number, scan)
    return scan
  }

  /** Whether nobody looks at anything. */
  #isIdle(): boolean {
    return this.#usable().every(({ scans }) => scans.size === 0)
  }

  #leastBusy(): ScanThread {
    const usable = this.#usable()
    let best: ScanThread | undefined
    for (const thread of usable) if (best === undefined || thread.scans.size < best.scans.size) best = thread
    return best !== undefined && (best.scans.size === 0 || usable.length >= MOST) ? best : this.#start()
  }

  /** Those that are not being ended. */
  #usable(): ScanThread[] {
    return [...this.#threads].filter(({ isEnding }) => !isEnding)
  }

  #start(): ScanThread {
    const thread = new ScanThread()
    this.#add(thread)
    return thread
  }

  #add(thread: ScanThread): void {
    thread.onEnd(() => this.#threads.delete(thread))
    if (this.#waiting === 0) thread.unref()
    this.#threads.add(thread)
  }
}
