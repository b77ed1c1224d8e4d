/** Bytes that are the same on every machine and in every run: xorshift32, Marsaglia 2003, "Xorshift RNGs". */
export class Noise {
  #state: number
  readonly #dictionary: readonly Buffer[]

  /** @param seed not 0 */
  constructor(seed: number) {
    this.#state = seed
    const word = () => Buffer.from(Array.from({ length: 2 + this.below(8) }, () => 97 + this.below(26)))
    this.#dictionary = Array.from({ length: 4000 }, word)
  }

  /** A whole number from 0 up to `limit`, which is not among them. */
  below(limit: number): number {
    return this.#next() % limit
  }

  /** Incompressible. @param size a multiple of 4 */
  bytes(size: number): Buffer {
    const words = new Uint32Array(size / 4)
    for (let at = 0; at < words.length; at++) words[at] = this.#next()
    return Buffer.from(words.buffer)
  }

  /** Words with spaces between them, which gzip packs to about half. */
  words(size: number): Buffer {
    const text = Buffer.alloc(size, ' ')
    for (let at = 0; at < size; ) {
      const word = this.#dictionary[this.below(this.#dictionary.length)]!
      word.copy(text, at)
      at += word.length + 1
    }
    return text
  }

  #next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return x >>> 0
  }
}
