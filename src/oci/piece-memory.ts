import type { PieceJob } from './piece-job.ts'

/** Most pieces fit; see `PieceCutter`. */
const USUAL = 1344 << 10

/** Where a piece is made. */
export type PieceRoom = Pick<PieceJob, 'memory' | 'room'>

/** Memory for pieces that comes back: without that, dead buffers pile up faster than they are collected. */
export class PieceMemory {
  readonly #spare: PieceRoom[] = []

  /** @param size what must fit, raw or compressed, whichever is more */
  take(size: number): PieceRoom {
    const spare = this.#spare.pop()
    if (spare !== undefined && spare.room >= size) return spare
    const room = Math.max(size, USUAL)
    // Behind it, the member: what does not compress becomes larger by 5 bytes in 5000, at most.
    return { memory: new SharedArrayBuffer(2 * room + (room >> 6) + 4096), room }
  }

  /** Nobody needs what is in it any more. */
  giveBack(room: PieceRoom): void {
    this.#spare.push(room)
  }
}
