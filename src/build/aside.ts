/** Work that goes on beside a build, which ends before it does. */
export class Aside implements AsyncDisposable {
  readonly #all: Promise<unknown>[] = []

  /** The same work; whoever needs what comes of it gets its failure, too. */
  begun<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {})
    this.#all.push(work)
    return work
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#all)
  }
}
