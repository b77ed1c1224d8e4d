import type { ByteString } from './name.ts'

const CHUNK = 1 << 16
/** More than any number takes: 53 bits, 7 a byte. */
const NUMBER = 8

/** Bytes in the making, of which nothing is copied when they grow: numbers as LEB128, strings behind their length. */
export class ByteWriter {
  readonly #done: Buffer[] = []
  #chunk = Buffer.allocUnsafe(CHUNK)
  #at = 0
  /** Bytes in the chunks that are done. */
  #before = 0

  /** Bytes so far. */
  get size(): number {
    return this.#before + this.#at
  }

  /** A whole number 0..2^53-1: seven bits a byte, the lowest first, the top bit set in all bytes but the last. */
  number(value: number): void {
    this.#reserve(NUMBER)
    let rest = value
    while (rest > 0x7f) {
      this.#chunk[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#chunk[this.#at++] = rest
  }

  string(text: ByteString): void {
    this.number(text.length)
    this.#reserve(text.length)
    this.#at += this.#chunk.write(text, this.#at, 'latin1')
  }

  bytes(bytes: Uint8Array): void {
    this.number(bytes.byteLength)
    this.#reserve(bytes.byteLength)
    this.#chunk.set(bytes, this.#at)
    this.#at += bytes.byteLength
  }

  /** All of it, in order. The writer is used up by it. */
  finish(): readonly Buffer[] {
    return [...this.#done, this.#chunk.subarray(0, this.#at)]
  }

  #reserve(size: number): void {
    if (this.#chunk.length - this.#at >= size) return
    this.#done.push(this.#chunk.subarray(0, this.#at))
    this.#before += this.#at
    this.#chunk = Buffer.allocUnsafe(Math.max(CHUNK, size))
    this.#at = 0
  }
}
