import { Worker } from 'node:worker_threads'
import type { PieceJob } from './piece-job.ts'
import type { SharedPieces } from './piece-table.ts'
import type { PieceAnswer } from './piece-worker.ts'

// This file is .ts when Node strips its types and .js in the package; the worker has the same ending.
const WORKER = new URL(`./piece-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** Members that one thread makes before others start: each costs time and memory. */
const FEW = 4

interface Thread {
  readonly worker: Worker
  /** Jobs that it was given and has not answered, oldest first. */
  readonly jobs: PromiseWithResolvers<PieceAnswer>[]
}

/** Threads that make pieces. A thread starts when there is work for it; an idle one does not keep the process alive. */
export class PiecePool {
  readonly #limit: number
  readonly #known: SharedPieces
  readonly #threads: Thread[] = []
  /** Members that had to be made. To copy, one thread is enough. */
  #made = 0
  #failure: { error: unknown } | undefined

  constructor(limit: number, known: SharedPieces) {
    this.#limit = Math.max(1, limit)
    this.#known = known
  }

  /** The job's memory is the thread's until this resolves. @throws what `fail` was told */
  run(piece: PieceJob): Promise<PieceAnswer> {
    const job = Promise.withResolvers<PieceAnswer>()
    // Whoever takes the pieces in order may never come to this one.
    job.promise.catch(() => {})
    if (this.#failure !== undefined) {
      job.reject(this.#failure.error)
      return job.promise
    }
    const thread = this.#leastBusy()
    thread.jobs.push(job)
    thread.worker.ref()
    thread.worker.postMessage(piece)
    return job.promise
  }

  /** Rejects all that is under way and all that comes, with `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    for (const { jobs } of this.#threads) for (const job of jobs.splice(0)) job.reject(error)
  }

  /** Ends the threads, whatever they are doing. */
  async close(): Promise<void> {
    this.fail(new Error('the compressing threads have ended'))
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()))
  }

  #leastBusy(): Thread {
    let best: Thread | undefined
    for (const thread of this.#threads) if (best === undefined || thread.jobs.length < best.jobs.length) best = thread
    const useful = this.#made < FEW ? 1 : this.#limit
    if (best !== undefined && (best.jobs.length === 0 || this.#threads.length >= useful)) return best
    return this.#start()
  }

  #start(): Thread {
    // What node was started with (--input-type, --import) is meant for another program.
    const resourceLimits = { maxYoungGenerationSizeMb: 4 }
    const worker = new Worker(WORKER, { execArgv: [], workerData: this.#known, resourceLimits })
    const thread: Thread = { worker, jobs: [] }
    worker.on('message', (answer: PieceAnswer) => {
      if (typeof answer !== 'string' && answer.row !== undefined && answer.blob === undefined) this.#made++
      thread.jobs.shift()?.resolve(answer)
      if (thread.jobs.length === 0) worker.unref()
    })
    worker.on('error', (error) => this.fail(error))
    worker.on('exit', (code) => this.fail(new Error(`a compressing thread ended with code ${code}`)))
    this.#threads.push(thread)
    return thread
  }
}
