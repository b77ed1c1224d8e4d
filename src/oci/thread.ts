import type { Worker } from 'node:worker_threads'
import { startThread } from './start-thread.ts'

/**
 * A thread that answers questions, in their order. It keeps the process alive while it owes an answer and while it is
 * being ended, and at no other time. Whoever makes one closes it.
 */
export class Thread<Question, Answer> {
  readonly #worker: Worker
  /** Questions that are not answered, oldest first. */
  readonly #open: PromiseWithResolvers<Answer>[] = []
  #failure: { error: unknown } | undefined
  #isEnding = false

  /** @param program a module that posts one message for each that it gets */
  constructor(program: URL) {
    this.#worker = startThread(program)
    this.#worker.on('message', (answer: Answer) => {
      this.#open.shift()?.resolve(answer)
      this.#rest()
    })
    this.#worker.on('error', (error) => this.fail(error))
    this.#worker.on('exit', (code) => this.fail(new Error(`a thread ended with code ${code}`)))
    // Behind the listeners: the one for messages takes a reference again.
    this.#worker.unref()
  }

  /** Questions that are not answered. */
  get open(): number {
    return this.#open.length
  }

  /** @throws what `fail` was told; what the thread threw */
  ask(question: Question): Promise<Answer> {
    const asked = Promise.withResolvers<Answer>()
    // Whoever takes answers in order may never come to this one.
    asked.promise.catch(() => {})
    if (this.#failure !== undefined) {
      asked.reject(this.#failure.error)
      return asked.promise
    }
    this.#open.push(asked)
    this.#worker.ref()
    this.#worker.postMessage(question)
    return asked.promise
  }

  /** Rejects all that is under way and all that comes. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    for (const asked of this.#open.splice(0)) asked.reject(this.#failure.error)
    this.#rest()
  }

  /** Ends the thread, whatever it is doing. */
  async close(): Promise<void> {
    this.#isEnding = true
    await this.#worker.terminate()
  }

  #rest(): void {
    // An answer may come after the end was asked for: without a reference then, nobody would hear of the end.
    if (this.#open.length === 0 && !this.#isEnding) this.#worker.unref()
  }
}
