import { PiecePool, usualThreads } from './piece-pool.ts'
import type { SharedPieces } from './piece-table.ts'
import type { Store } from './store.ts'

/**
 * Threads that write a layer. One takes 50 ms to start: made while something else is waited for, they are there when the
 * first byte is. Whoever makes them closes them.
 */
export class LayerThreads {
  readonly known: SharedPieces
  readonly pool: PiecePool

  private constructor(known: SharedPieces) {
    this.known = known
    this.pool = new PiecePool(usualThreads(), known)
    this.pool.start()
  }

  static async start(store: Store): Promise<LayerThreads> {
    return new LayerThreads(await store.pieces.known())
  }

  /** Safe to call twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close()
  }
}
