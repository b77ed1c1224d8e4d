import { ScanThread } from './scan-thread.ts'

/**
 * A thread that starts now, to look through the first gzip file that comes: started later it takes twice as long (see
 * `smallHeap`), and what comes has to wait for it.
 */
export class EarlyScan implements AsyncDisposable {
  #thread: ScanThread | undefined = new ScanThread()

  constructor() {
    this.#thread?.unref()
  }

  /** The thread, for whoever asks first: he ends it. */
  take(): ScanThread | undefined {
    const thread = this.#thread
    this.#thread = undefined
    return thread
  }

  /** Ends the thread if nobody took it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.take()?.end()
  }
}
