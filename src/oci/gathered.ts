import { giveBack } from './single-use.ts'

/** Chunks that are good at a time: one is looked at, or inflated by another thread, while the next ones are filled. */
const GOOD = 4

/**
 * The same bytes in chunks of `size` bytes, the last one excepted: what is hashed, inflated and written in the pieces
 * that sockets give costs a sixth more than in larger ones. A chunk is good until the fourth one after it is asked for:
 * new memory for each would cost as much again to be collected. What came before a failure is yielded before it.
 */
export async function* gathered(bytes: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  const ring = new Ring(size)
  let failure: { readonly error: unknown } | undefined
  try {
    for await (const chunk of bytes) {
      let rest = chunk
      while (rest.byteLength > 0 && (ring.held > 0 || rest.byteLength < size)) {
        rest = rest.subarray(ring.add(rest))
        if (rest.byteLength === 0) giveBack(chunk)
        if (ring.held === size) yield ring.take()
      }
      if (rest.byteLength > 0) yield rest
    }
  } catch (error) {
    failure = { error }
  }
  if (ring.held > 0) yield ring.take()
  if (failure !== undefined) throw failure.error
}

class Ring {
  readonly #size: number
  readonly #buffers: Buffer[] = []
  #turn = 0
  held = 0

  constructor(size: number) {
    this.#size = size
  }

  /** Takes as much as there is room for; returns how much that was. */
  add(chunk: Uint8Array): number {
    const buffer = this.#buffers[this.#turn] ?? Buffer.allocUnsafeSlow(this.#size)
    this.#buffers[this.#turn] = buffer
    const taken = Math.min(chunk.byteLength, this.#size - this.held)
    buffer.set(chunk.subarray(0, taken), this.held)
    this.held += taken
    return taken
  }

  take(): Uint8Array {
    const whole = this.#buffers[this.#turn]!.subarray(0, this.held)
    this.#turn = (this.#turn + 1) % GOOD
    this.held = 0
    return whole
  }
}
