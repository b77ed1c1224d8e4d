import { setImmediate } from 'node:timers/promises'

/** Long enough that few calls pay for the pause, short enough that progress and Ctrl-C feel immediate. */
const MILLISECONDS = 20

/** Lets a long loop of synchronous calls (many times faster than as many promises) make pauses for everything else. */
export class Breath {
  readonly #signal: AbortSignal
  #count = 0
  #last = performance.now()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Whether the loop should `await take()` now. Cheap: the clock is read every 16th time. */
  isDue(): boolean {
    return (++this.#count & 15) === 0 && performance.now() - this.#last > MILLISECONDS
  }

  /** @throws the reason of the signal */
  async take(): Promise<void> {
    await setImmediate()
    this.#signal.throwIfAborted()
    this.#last = performance.now()
  }
}
