import { Worker } from 'node:worker_threads'
import type { CompressedPiece, CompressJob } from './compress-worker.ts'

// This file is .ts when Node strips its types and .js in the package; the worker has the same ending.
const WORKER = new URL(`./compress-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** Most pieces fit. */
const PIECE = 1 << 20

interface Thread {
  readonly worker: Worker
  /** Jobs that it was given and has not answered, oldest first. */
  readonly jobs: PromiseWithResolvers<Uint8Array>[]
}

/** Threads that make gzip members. A thread starts when there is work for it; an idle one does not keep the process alive. */
export class CompressPool {
  readonly #limit: number
  readonly #threads: Thread[] = []
  /** Buffers that came back: without them, dead ones pile up faster than they are collected. */
  readonly #spare: ArrayBuffer[] = []
  #failure: { error: unknown } | undefined

  constructor(limit: number) {
    this.#limit = Math.max(1, limit)
  }

  /** The chunks, joined, as one gzip member. The chunks are copied at once. @throws what `fail` was told */
  compress(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
    const job = Promise.withResolvers<Uint8Array>()
    // Whoever takes the members in order may never come to this one.
    job.promise.catch(() => {})
    if (this.#failure !== undefined) {
      job.reject(this.#failure.error)
      return job.promise
    }
    const thread = this.#leastBusy()
    thread.jobs.push(job)
    thread.worker.ref()
    const message = this.#packed(chunks)
    thread.worker.postMessage(message, [message.buffer])
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
    if (best !== undefined && (best.jobs.length === 0 || this.#threads.length >= this.#limit)) return best
    return this.#start()
  }

  #start(): Thread {
    // What node was started with (--input-type, --import) is meant for another program.
    const worker = new Worker(WORKER, { execArgv: [] })
    const thread: Thread = { worker, jobs: [] }
    worker.on('message', ({ bytes, buffer }: CompressedPiece) => {
      this.#spare.push(buffer)
      thread.jobs.shift()?.resolve(bytes)
      if (thread.jobs.length === 0) worker.unref()
    })
    worker.on('error', (error) => this.fail(error))
    worker.on('exit', (code) => this.fail(new Error(`a compressing thread ended with code ${code}`)))
    this.#threads.push(thread)
    return thread
  }

  #packed(chunks: readonly Uint8Array[]): CompressJob {
    const size = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    const spare = this.#spare.pop()
    const buffer = spare !== undefined && spare.byteLength >= size ? spare : new ArrayBuffer(Math.max(size, PIECE))
    const bytes = new Uint8Array(buffer)
    let at = 0
    for (const chunk of chunks) {
      bytes.set(chunk, at)
      at += chunk.byteLength
    }
    return { buffer, size }
  }
}
