import { availableParallelism } from 'node:os'
import type { CopyJob } from './copy-part.ts'
import type { FileMark, LayerEnd } from './layer-sink.ts'
import type { PieceJob } from './piece-job.ts'
import type { Appended, AppendJob, BeginJob, PieceAnswer, PieceQuestions, PieceReplies } from './piece-questions.ts'
import type { SharedPieces } from './piece-table.ts'
import { Thread } from './thread.ts'

// This file is .ts when Node strips its types and .js in the package; the worker has the same ending.
const WORKER = new URL(`./piece-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** Members that one thread makes before others start: each costs time and memory. */
const FEW = 4

/** One a core, at most 4: each has 14 MB. The result is the same with any number. */
export const usualThreads = () => Math.min(availableParallelism(), 4)

type PieceThread = Thread<Partial<PieceQuestions>, Partial<PieceReplies>>

/**
 * Threads that make pieces; the first one writes them to the layer's file as well. A thread starts when there is work for
 * it, or when it is told to; an idle one does not keep the process alive.
 */
export class PiecePool {
  readonly #limit: number
  #known: SharedPieces | undefined
  readonly #threads: PieceThread[] = []
  /** Members that had to be made. To copy, one thread is enough. */
  #made = 0
  /** All pieces so far were the first thread's, to be appended as soon as they are made. */
  #isStraight = true
  #failure: { error: unknown } | undefined

  /** @param known pieces that may be copied; a pool that has none yet can be told of them before its first job */
  constructor(limit: number, known?: SharedPieces) {
    this.#limit = Math.max(1, limit)
    this.#known = known
  }

  /** Has one thread ready before there is work for it, which will nearly always be to compress something. */
  start(): void {
    void this.#first().ask({ prepare: true })
  }

  /** What is known of pieces by now. To be called before the first job. */
  learn(known: SharedPieces): void {
    this.#known = known
    for (const thread of this.#threads) void thread.ask({ learn: known })
  }

  /**
   * The job's memory is a thread's until this resolves. With a layer's file to write to, pieces have to come in their
   * order; what the answer does not say to be appended then, `append` has to be asked for.
   * @param into descriptor of the file
   * @throws what `fail` was told; a system error
   */
  async run(piece: PieceJob, into?: number): Promise<PieceAnswer> {
    this.#check()
    const thread = this.#leastBusy()
    this.#isStraight &&= into !== undefined && thread === this.#threads[0]
    const make = this.#isStraight && into !== undefined ? { ...piece, into } : piece
    const answer = await ask(thread, 'make', { make })
    if (typeof answer !== 'string' && answer.row !== undefined && answer.blob === undefined) this.#made++
    return answer
  }

  /** Appends a piece, after all before it. @throws what `fail` was told; a system error */
  async append(piece: AppendJob): Promise<Appended> {
    this.#check()
    return await ask(this.#first(), 'append', { append: piece })
  }

  /**
   * Copies a part of a blob to the same place of the layer's file, before it is begun.
   * @returns whether the blob has the bytes that the checks are of @throws what `fail` was told; a system error
   */
  async copy(part: CopyJob): Promise<boolean> {
    this.#check()
    return (await ask(this.#first(), 'copy', { copy: part })) === 'copied'
  }

  /** Before the first piece, when `mark` is going to be asked for. @throws what `fail` was told; a system error */
  async begin(job: BeginJob): Promise<void> {
    this.#check()
    await ask(this.#first(), 'begin', { begin: job })
  }

  /** Where the layer's file is behind all pieces so far. @throws what `fail` was told; a system error */
  async mark(descriptor: number): Promise<FileMark> {
    this.#check()
    return await ask(this.#first(), 'mark', { mark: descriptor })
  }

  /** Completes the layer's file with this descriptor. @throws what `fail` was told; a system error */
  async end(descriptor: number): Promise<LayerEnd> {
    this.#check()
    return await ask(this.#first(), 'end', { end: descriptor })
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

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #first(): PieceThread {
    return this.#threads[0] ?? this.#begin()
  }

  #leastBusy(): PieceThread {
    let best = this.#first()
    for (const thread of this.#threads) if (thread.open < best.open) best = thread
    const useful = this.#made < FEW ? 1 : this.#limit
    return best.open === 0 || this.#threads.length >= useful ? best : this.#begin()
  }

  #begin(): PieceThread {
    const thread: PieceThread = new Thread(WORKER)
    this.#threads.push(thread)
    if (this.#known !== undefined) void thread.ask({ learn: this.#known })
    return thread
  }
}

async function ask<Kind extends keyof PieceReplies>(
  thread: PieceThread,
  kind: Kind,
  question: Pick<PieceQuestions, Kind>,
): Promise<PieceReplies[Kind]> {
  const reply = (await thread.ask(question as Partial<PieceQuestions>))[kind]
  if (reply === undefined) throw new Error('a thread answered something else than it was asked')
  return reply
}
