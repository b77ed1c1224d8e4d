/** What has to be undone at the end, whatever the end is: the last thing first. */
export class LeaveClean {
  readonly #controller = new AbortController()
  readonly #undo: { readonly what: string; readonly action: () => Promise<unknown> }[] = []

  constructor() {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => this.#controller.abort(new Error(`Stopped by ${name}.`)))
    }
  }

  /** Aborted on Ctrl-C and its like. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** `what` is shown when it is undone. */
  later(what: string, action: () => Promise<unknown>): void {
    this.#undo.push({ what, action })
  }

  /** Undoes everything; one that fails does not keep the others from it. */
  async now(): Promise<void> {
    for (const { what, action } of this.#undo.splice(0).reverse()) {
      console.log(`# ${what}`)
      await action().catch((error: unknown) => console.error(`# could not: ${error}`))
    }
  }
}
