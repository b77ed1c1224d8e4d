import type { EarlyPool } from './early-pool.ts'
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

  private constructor(pool: PiecePool, known: SharedPieces) {
    this.known = known
    this.pool = pool
  }

  /** @param early whose pool it is if nobody has taken that */
  static async start(store: Store, early?: EarlyPool): Promise<LayerThreads> {
    const taken = early?.take()
    const pool = taken ?? new PiecePool(usualThreads())
    if (taken === undefined) pool.start()
    try {
      const known = await store.pieces.known()
      pool.learn(known)
      return new LayerThreads(pool, known)
    } catch (error) {
      await pool.close()
      throw error
    }
  }

  /** Safe to call twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close()
  }
}
