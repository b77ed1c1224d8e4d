interface Step {
  readonly gather: boolean
  readonly size: number
  left: number
  readonly boundary: boolean
  readonly then: (bytes: Buffer) => void
}

const NOTHING = Buffer.alloc(0)

/**
 * Turns chunks of any length into the steps of a parser: gather so many bytes, or let so many pass, then go on with
 * `then`, which sets the next step. Only what is gathered is ever held.
 */
export class ByteSteps {
  /** Bytes that went through so far. */
  offset = 0
  #step: Step | undefined
  #gathered: Buffer = NOTHING

  /** Calls `then` with the next `size` bytes, a view that lasts for the call. `boundary`: the input may end before. */
  gather(size: number, then: (bytes: Buffer) => void, boundary = false): void {
    if (size === 0) then(NOTHING)
    else this.#step = { gather: true, size, left: size, boundary, then }
  }

  /** Calls `then` when `size` bytes have passed. */
  skip(size: number, then: () => void): void {
    if (size === 0) then()
    else this.#step = { gather: false, size, left: size, boundary: false, then }
  }

  /** From now on bytes are ignored, and not counted. */
  stop(): void {
    this.#step = undefined
  }

  get stopped(): boolean {
    return this.#step === undefined
  }

  /** Bytes until the present step is done. */
  get left(): number {
    return this.#step?.left ?? 0
  }

  /** Whether the input may end here. */
  get atBoundary(): boolean {
    const step = this.#step
    return step === undefined || (step.boundary && step.left === step.size)
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let at = 0; at < bytes.length && this.#step !== undefined; ) {
      const taken = bytes.subarray(at, at + this.#step.left)
      at += taken.length
      this.#take(this.#step, taken)
    }
  }

  #take(step: Step, taken: Buffer): void {
    if (step.gather && taken.length < step.size) {
      if (step.left === step.size) this.#gathered = Buffer.allocUnsafe(step.size)
      taken.copy(this.#gathered, step.size - step.left)
    }
    step.left -= taken.length
    this.offset += taken.length
    if (step.left === 0) step.then(taken.length === step.size ? taken : this.#gathered)
  }
}
