import type { ByteString } from './name.ts'

/** Reads what a ByteWriter wrote, in the same order. Anything else is read as anything: check a digest first. */
export class ByteReader {
  readonly #bytes: Buffer
  #at: number

  /** @param at where to begin */
  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  number(): number {
    let byte = this.#bytes[this.#at++]!
    let value = byte & 0x7f
    for (let unit = 0x80; byte > 0x7f; unit *= 0x80) {
      byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * unit
    }
    return value
  }

  /** Goes past a string or bytes. */
  skip(): void {
    const size = this.number()
    this.#at += size
  }

  string(): ByteString {
    const size = this.number()
    this.#at += size
    return this.#bytes.toString('latin1', this.#at - size, this.#at)
  }

  /** A copy, which does not keep the whole alive. */
  bytes(): Uint8Array {
    const size = this.number()
    this.#at += size
    return Uint8Array.prototype.slice.call(this.#bytes, this.#at - size, this.#at)
  }
}
