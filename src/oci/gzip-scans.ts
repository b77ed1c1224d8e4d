import { Worker } from 'node:worker_threads'
import { GzipScan, type ScanWishes } from './gzip-scan.ts'
import type { ScanAnswer } from './gzip-worker.ts'

// This file is .ts when Node strips its types and .js in the package; the worker has the same ending.
const WORKER = new URL(`./gzip-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** More would be in each other's way: all of them are busy, and so are those who fetch. */
const MOST = 2

interface Thread {
  readonly worker: Worker
  readonly scans: Map<number, GzipScan>
}

/** Threads that look through gzip files, each through several at once. They end when there is nothing to look at. */
export class GzipScans {
  readonly #threads = new Set<Thread>()
  /** Those of the threads, and those that have not ended yet. */
  readonly #workers = new Set<Worker>()
  #count = 0
  #waiting = 0
  #closed = false

  /**
   * Begins to look at a file that exists, of which nothing is there before the scan hears so.
   */
  start(path: string, wishes: ScanWishes = {}): GzipScan {
    if (this.#closed) throw new Error('the scanning threads have ended')
    const thread = this.#leastBusy()
    const number = this.#count++
    const scan = new GzipScan(number, path, wishes, (news) => {
      if (thread.scans.has(number)) thread.worker.postMessage(news)
    })
    thread.scans.set(number, scan)
    return scan
  }

  /** What the promise resolves to. Threads keep the process alive only while somebody waits so. */
  async waitFor<T>(found: Promise<T>): Promise<T> {
    this.#waiting++
    for (const worker of this.#workers) worker.ref()
    try {
      return await found
    } finally {
      this.#waiting--
      // Threads that are being ended have to be heard of.
      if (this.#waiting === 0 && !this.#closed) for (const worker of this.#workers) worker.unref()
    }
  }

  /** Ends the threads, whatever they are doing; scans under way reject. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(Array.from(this.#workers, (worker) => worker.terminate()))
  }

  #leastBusy(): Thread {
    let best: Thread | undefined
    for (const thread of this.#threads) if (best === undefined || thread.scans.size < best.scans.size) best = thread
    return best !== undefined && this.#threads.size === MOST ? best : this.#start()
  }

  #start(): Thread {
    // What node was started with (--input-type, --import) is meant for another program.
    const worker = new Worker(WORKER, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 4 } })
    const thread: Thread = { worker, scans: new Map() }
    if (this.#waiting === 0) worker.unref()
    let failure: Error | undefined
    worker.on('message', (answer: ScanAnswer) => {
      thread.scans.get(answer.scan)?.settle(answer)
      thread.scans.delete(answer.scan)
      if (thread.scans.size > 0) return
      this.#threads.delete(thread)
      void worker.terminate()
    })
    worker.on('error', (error: Error) => {
      failure = error
    })
    worker.on('exit', (code) => {
      this.#threads.delete(thread)
      this.#workers.delete(worker)
      for (const scan of thread.scans.values()) scan.settle(failure ?? new Error(`a scanning thread ended (${code})`))
      thread.scans.clear()
    })
    this.#threads.add(thread)
    this.#workers.add(worker)
    return thread
  }
}
