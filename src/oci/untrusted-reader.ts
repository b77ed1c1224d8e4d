import { OcibakeError } from '../errors.ts'
import { ByteReader } from './byte-reader.ts'
import type { ByteString } from './name.ts'

/**
 * Reads what somebody else says that a ByteWriter wrote, from several places: whatever is not whole is refused. All that
 * is read is at most twice as much as there is, so that a number bounds what it counts.
 */
export class UntrustedReader {
  readonly #bytes: Buffer
  #from: ByteReader
  #start = 0
  /** Bytes read at places before this one. */
  #read = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#from = new ByteReader(bytes)
  }

  /** What `read` gives, which begins at this place; then it goes on where it was. @throws LAYER_INVALID */
  at<Result>(place: number, read: () => Result): Result {
    if (place >= this.#bytes.length) throw invalidTree('a place is outside')
    const [from, start] = [this.#from, this.#start]
    this.#from = new ByteReader(this.#bytes, place)
    this.#start = place
    const result = read()
    this.#read += this.#from.at - place
    this.#from = from
    this.#start = start
    return result
  }

  /** @throws LAYER_INVALID for more than `most` */
  number(most: number = Number.MAX_SAFE_INTEGER): number {
    const number = this.#from.number()
    this.#check()
    if (number > most) throw invalidTree(`it has the number ${number}`)
    return number
  }

  /** @throws LAYER_INVALID */
  string(): ByteString {
    const text = this.#from.string()
    this.#check()
    return text
  }

  /** @throws LAYER_INVALID */
  skip(): void {
    this.#from.skip()
    this.#check()
  }

  /** What ends behind the end of the bytes was read as anything. */
  #check(): void {
    const { at } = this.#from
    const { length } = this.#bytes
    if (!(at <= length)) throw invalidTree('it ends too early')
    if (this.#read + at - this.#start > 2 * length) throw invalidTree('it refers to the same too often')
  }
}

/** Of bytes that are no tree. */
export function invalidTree(why: string): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `The outline of a layer is none: ${why}.`)
}
