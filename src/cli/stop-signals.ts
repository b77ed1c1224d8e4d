import { OcibakeError } from '../errors.ts'

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const

/** Ctrl-C and its like, from now on: the first stops what the command is at, which tidies up; the second ends the process. */
export class StopSignals {
  /** Of the process when it was stopped, as a shell has it; undefined when it was not. */
  exitCode: number | undefined
  readonly #host: NodeJS.Process
  readonly #stop = new AbortController()
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[]

  /** @param beforeExit called before the process is ended by a second signal */
  constructor(host: NodeJS.Process, beforeExit: () => void) {
    this.#host = host
    this.#handlers = SIGNALS.map(([name, code]) => {
      const handle = () => {
        // The second time the user means it: nothing half-written is ever visible, so leaving at once is safe too.
        if (this.signal.aborted) {
          beforeExit()
          host.exit(code)
        }
        this.exitCode = code
        const message = `Stopped by ${name}. What was written or pushed before is complete.`
        this.#stop.abort(new OcibakeError('INTERRUPTED', message))
      }
      return [name, handle] as const
    })
    this.#listen()
  }

  /** Aborted by the first of them, with INTERRUPTED. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /**
   * Does what has nothing to tidy up and may never let go of the thread, in which handlers would be called: meanwhile the
   * system itself ends the process. @throws INTERRUPTED when a signal came before; what `work` throws
   */
  async endable<T>(work: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted()
    for (const [name, handle] of this.#handlers) this.#host.off(name, handle)
    try {
      return await work()
    } finally {
      this.#listen()
    }
  }

  #listen(): void {
    for (const [name, handle] of this.#handlers) this.#host.on(name, handle)
  }
}
