import { OcibakeError } from '../errors.ts'
import type { ByteString } from './name.ts'

/**
 * Reads what somebody else says that a ByteWriter wrote, in its order, from several places: whatever is not whole is
 * refused. All that is read is at most twice as much as there is, so that a number bounds what it counts.
 */
export class UntrustedReader {
  readonly #bytes: Buffer
  #at = 0
  /** Where it was set to last. */
  #start = 0
  /** Bytes read before that. */
  #read = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get at(): number {
    return this.#at
  }

  /** Goes on at another place. @throws LAYER_INVALID */
  go(place: number): void {
    this.#read += this.#at - this.#start
    if (place >= this.#bytes.length) throw invalidTree('a place is outside')
    if (this.#read > this.#bytes.length) throw invalidTree('it refers to the same too often')
    this.#at = place
    this.#start = place
  }

  /** @throws LAYER_INVALID for more than `most`, and for what is no number */
  number(most: number = Number.MAX_SAFE_INTEGER): number {
    const bytes = this.#bytes
    let at = this.#at
    let byte = bytes[at++]!
    let value = byte & 0x7f
    for (let unit = 0x80; byte > 0x7f; unit *= 0x80) {
      byte = bytes[at++]!
      value += (byte & 0x7f) * unit
    }
    this.#at = at
    if (at > bytes.length) throw invalidTree('it ends too early')
    // So many bytes that it is none (0 times infinity) are not more than anything.
    if (!(value <= most)) throw invalidTree(`it has the number ${value}`)
    return value
  }

  /** @throws LAYER_INVALID */
  string(): ByteString {
    const start = this.skip()
    return this.#bytes.toString('latin1', start, this.#at)
  }

  /** Goes past a string. @returns where its first byte is @throws LAYER_INVALID */
  skip(): number {
    const size = this.number()
    const start = this.#at
    this.#at += size
    if (this.#at > this.#bytes.length) throw invalidTree('it ends too early')
    return start
  }
}

/** Of bytes that are no tree. */
export function invalidTree(why: string): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `The outline of a layer is none: ${why}.`)
}
