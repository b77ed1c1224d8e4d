import { OcibakeError } from '../errors.ts'

/** Ends, by its signal, what has not moved for so long. Disposed of, it ends nothing any more. */
export class StallWatch implements Disposable {
  readonly signal: AbortSignal
  readonly #stop = new AbortController()
  readonly #milliseconds: number
  readonly #name: string
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  /** @param name what is waited for, for the error that the signal is aborted with: REGISTRY_UNREACHABLE */
  constructor(signal: AbortSignal, milliseconds: number, name: string) {
    this.signal = AbortSignal.any([signal, this.#stop.signal])
    this.#milliseconds = milliseconds
    this.#name = name
    this.moved()
  }

  /** It is waited for from now on. */
  moved(): void {
    this.rest()
    // What was not waited for to its end may move on: a timer now would keep the process alive.
    if (this.#isOver) return
    this.#timer = setTimeout(() => {
      const message = `${this.#name} did nothing for ${this.#milliseconds / 1000} seconds.`
      this.#stop.abort(new OcibakeError('REGISTRY_UNREACHABLE', message))
    }, this.#milliseconds)
  }

  /** It is not waited for: somebody else has to do something. */
  rest(): void {
    clearTimeout(this.#timer)
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.rest()
  }
}
