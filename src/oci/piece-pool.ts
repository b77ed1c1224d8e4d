import { availableParallelism } from 'node:os'
import type { PieceJob } from './piece-job.ts'
import type { SharedPieces } from './piece-table.ts'
import type { PieceAnswer } from './piece-worker.ts'
import { Thread } from './thread.ts'

// This file is .ts when Node strips its types and .js in the package; the worker has the same ending.
const WORKER = new URL(`./piece-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** Members that one thread makes before others start: each costs time and memory. */
const FEW = 4

/** One a core, at most 4: each has 14 MB. The result is the same with any number. */
export const usualThreads = () => Math.min(availableParallelism(), 4)

/** Threads that make pieces. A thread starts when there is work for it; an idle one does not keep the process alive. */
export class PiecePool {
  readonly #limit: number
  readonly #known: SharedPieces
  readonly #threads: Thread<PieceJob, PieceAnswer>[] = []
  /** Members that had to be made. To copy, one thread is enough. */
  #made = 0
  #failure: { error: unknown } | undefined

  constructor(limit: number, known: SharedPieces) {
    this.#limit = Math.max(1, limit)
    this.#known = known
  }

  /** Has one thread ready before there is work for it. */
  start(): void {
    if (this.#threads.length === 0) this.#begin()
  }

  /** The job's memory is the thread's until this resolves. @throws what `fail` was told */
  async run(piece: PieceJob): Promise<PieceAnswer> {
    if (this.#failure !== undefined) throw this.#failure.error
    const answer = await this.#leastBusy().ask(piece)
    if (typeof answer !== 'string' && answer.row !== undefined && answer.blob === undefined) this.#made++
    return answer
  }

  /** Rejects all that is under way and all that comes, with `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    for (const thread of this.#threads) thread.fail(error)
  }

  /** Ends the threads, whatever they are doing. */
  async close(): Promise<void> {
    this.fail(new Error('the compressing threads have ended'))
    await Promise.all(this.#threads.splice(0).map((thread) => thread.close()))
  }

  #leastBusy(): Thread<PieceJob, PieceAnswer> {
    let best: Thread<PieceJob, PieceAnswer> | undefined
    for (const thread of this.#threads) if (best === undefined || thread.open < best.open) best = thread
    const useful = this.#made < FEW ? 1 : this.#limit
    if (best !== undefined && (best.open === 0 || this.#threads.length >= useful)) return best
    return this.#begin()
  }

  #begin(): Thread<PieceJob, PieceAnswer> {
    const thread = new Thread<PieceJob, PieceAnswer>(WORKER, this.#known)
    this.#threads.push(thread)
    return thread
  }
}
