const NOTHING = Buffer.alloc(0)

/**
 * Turns chunks of any length into the steps of a parser: gather so many bytes, or let so many pass, then go on with
 * `then`, which sets the next step. Only what is gathered is ever held; a step costs no memory.
 */
export class ByteSteps {
  /** Bytes that went through so far. */
  offset = 0
  /** Bytes until the present step is done. */
  left = 0
  /** Of the present step. Nothing to go on with: bytes are ignored. */
  #then: ((bytes: Buffer) => void) | undefined
  #size = 0
  #isGathering = false
  #isBoundary = false
  #gathered: Buffer = NOTHING

  /** Calls `then` with the next `size` bytes, a view that lasts for the call. `boundary`: the input may end before. */
  gather(size: number, then: (bytes: Buffer) => void, boundary = false): void {
    this.#next(size, then, true, boundary)
  }

  /** Calls `then` when `size` bytes have passed. */
  skip(size: number, then: () => void): void {
    this.#next(size, then, false, false)
  }

  #next(size: number, then: (bytes: Buffer) => void, isGathering: boolean, isBoundary: boolean): void {
    if (size === 0) {
      then(NOTHING)
      return
    }
    this.#then = then
    this.#size = size
    this.left = size
    this.#isGathering = isGathering
    this.#isBoundary = isBoundary
  }

  /** From now on bytes are ignored, and not counted. */
  stop(): void {
    this.#then = undefined
    this.left = 0
  }

  get stopped(): boolean {
    return this.#then === undefined
  }

  /** Whether the input may end here. */
  get atBoundary(): boolean {
    return this.#then === undefined || (this.#isBoundary && this.left === this.#size)
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (let at = 0; at < bytes.length && this.#then !== undefined; ) {
      const end = at + Math.min(this.left, bytes.length - at)
      this.#take(bytes, at, end, this.#then)
      at = end
    }
  }

  #take(bytes: Buffer, at: number, end: number, then: (bytes: Buffer) => void): void {
    const size = end - at
    const isWhole = size === this.#size
    if (this.#isGathering && !isWhole) {
      if (this.left === this.#size) this.#gathered = Buffer.allocUnsafe(this.#size)
      bytes.copy(this.#gathered, this.#size - this.left, at, end)
    }
    this.left -= size
    this.offset += size
    if (this.left > 0) return
    if (this.#isGathering) then(isWhole ? bytes.subarray(at, end) : this.#gathered)
    else then(NOTHING)
  }
}
