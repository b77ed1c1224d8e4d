import { PiecePool, usualThreads } from './piece-pool.ts'

/**
 * A pool whose first thread starts now, for a layer that somebody may write: the thread takes 40 ms to be there, which are
 * lost when nothing else is done meanwhile.
 */
export class EarlyPool implements AsyncDisposable {
  #pool: PiecePool | undefined

  constructor() {
    this.#pool = new PiecePool(usualThreads())
    this.#pool.start()
  }

  /** The pool, for whoever asks first: he closes it. */
  take(): PiecePool | undefined {
    const pool = this.#pool
    this.#pool = undefined
    return pool
  }

  /** Ends the thread if nobody took it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.take()?.close()
  }
}
