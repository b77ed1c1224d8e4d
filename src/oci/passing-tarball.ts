import { detectCompression, HEAD_BYTES } from './decompress.ts'
import { type Digest, Digester } from './digest.ts'

/** Is told what all of a tarball turns out to be; may throw. */
export type CheckWhole = (whole: { readonly digest: Digest; readonly size: number }) => void

/** A tarball on its way to be unpacked, and hashed. Whoever makes one closes it. */
export class PassingTarball {
  readonly #bytes: AsyncIterator<Uint8Array>
  readonly #check: CheckWhole
  readonly #digester = new Digester()
  /** What was read ahead. */
  #ahead = Buffer.alloc(0)
  #whole: { readonly digest: Digest; readonly size: number } | undefined

  constructor(bytes: AsyncIterable<Uint8Array>, check: CheckWhole) {
    this.#bytes = bytes[Symbol.asyncIterator]()
    this.#check = check
  }

  /** Reads until more than `size` bytes of gzip are there, or all; to be asked before anything else. */
  async readAhead(size: number): Promise<void> {
    const held: Uint8Array[] = []
    while (this.size <= size && (this.size < HEAD_BYTES || this.isGzip)) {
      const chunk = await this.#next()
      if (chunk === undefined) break
      // Their memory is used again.
      held.push(Uint8Array.from(chunk))
      if (this.#ahead.byteLength < HEAD_BYTES) this.#ahead = Buffer.concat(held)
    }
    this.#ahead = Buffer.concat(held)
  }

  get isGzip(): boolean {
    return detectCompression(this.#ahead) === 'gzip'
  }

  get isRead(): boolean {
    return this.#whole !== undefined
  }

  /** Bytes so far. */
  get size(): number {
    return this.#digester.size
  }

  /** When all has passed. */
  get whole(): { readonly digest: Digest; readonly size: number } {
    if (this.#whole === undefined) throw new Error('the tarball has not passed yet')
    return this.#whole
  }

  async *all(): AsyncGenerator<Uint8Array> {
    yield this.#ahead
    yield* this.rest()
  }

  /** All but what was read ahead. */
  async *rest(): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk
  }

  /** Whatever came of it: nobody reads on. */
  async close(): Promise<void> {
    await this.#bytes.return?.()
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#whole !== undefined) return undefined
    const next = await this.#bytes.next()
    if (next.done !== true) {
      this.#digester.update(next.value)
      return next.value
    }
    const { size } = this.#digester
    this.#whole = { digest: this.#digester.digest(), size }
    this.#check(this.#whole)
    return undefined
  }
}
