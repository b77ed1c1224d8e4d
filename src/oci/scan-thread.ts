import type { Worker } from 'node:worker_threads'
import type { FileScan } from './file-scan.ts'
import type { ScanAnswer, ScanNews, ScanProgress } from './scan-messages.ts'
import { startThread } from './start-thread.ts'

// This file is .ts when Node strips its types and .js in the package; the worker has the same ending.
const WORKER = new URL(`./gzip-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** A thread that looks through files, and ends with the last of them. */
export class ScanThread {
  /** Those under way, by their numbers. */
  readonly scans = new Map<number, FileScan>()
  isEnding = false
  readonly #worker: Worker
  #gone = () => {}
  #failure: Error | undefined

  constructor() {
    this.#worker = startThread(WORKER)
    this.#worker.on('message', (said: ScanAnswer | ScanProgress) => this.#hear(said))
    this.#worker.on('error', (error: Error) => {
      this.#failure = error
    })
    this.#worker.on('exit', (code) => {
      this.isEnding = true
      this.#gone()
      const failure = this.#failure ?? new Error(`a scanning thread ended (${code})`)
      for (const scan of this.scans.values()) scan.settle(failure)
      this.scans.clear()
    })
  }

  /** Has `gone` called when it has ended, whatever the reason. */
  onEnd(gone: () => void): void {
    this.#gone = gone
  }

  /** Nothing, once the scan was answered. */
  tell(news: ScanNews): void {
    if (this.scans.has(news.scan)) this.#worker.postMessage(news)
  }

  ref(): void {
    this.#worker.ref()
  }

  unref(): void {
    this.#worker.unref()
  }

  async end(): Promise<void> {
    this.isEnding = true
    await this.#worker.terminate()
  }

  #hear(said: ScanAnswer | ScanProgress): void {
    const scan = this.scans.get(said.scan)
    if ('wrote' in said) {
      scan?.wrote(said.wrote)
      return
    }
    scan?.settle(said)
    this.scans.delete(said.scan)
    if (this.scans.size === 0) void this.end()
  }
}
