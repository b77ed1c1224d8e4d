import { combineCrc } from './combine-crc.ts'
import { crc32 } from './crc32.ts'
import { CHECKED } from './gzip-blocks.ts'

const NONE = { size: 0, checks: new Uint32Array() }

/** `GzipBlocks.checks` of a file given in chunks of any size. */
export class FileChecks {
  readonly #checks: number[]
  #check = 0
  /** Bytes that `#check` is of. */
  #size = 0

  /** @param before what `soFar` said of the first `size` bytes, which are not pushed again. Default: none are */
  constructor({ size, checks }: { readonly size: number; readonly checks: Uint32Array } = NONE) {
    this.#checks = [...checks]
    this.#size = size % CHECKED
    if (this.#size > 0) this.#check = this.#checks.pop()!
  }

  /** @returns CRC-32 of the chunk: whoever wants that as well need not go through it again */
  push(chunk: Uint8Array): number {
    let crc = 0
    for (let at = 0; at < chunk.byteLength; ) {
      const part = chunk.subarray(at, at + CHECKED - this.#size)
      const own = crc32(part)
      crc = combineCrc(crc, own, part.byteLength)
      this.#check = this.#size === 0 ? own : combineCrc(this.#check, own, part.byteLength)
      this.#size += part.byteLength
      at += part.byteLength
      if (this.#size === CHECKED) this.#next()
    }
    return crc
  }

  /** Those of what was pushed until now. */
  soFar(): Uint32Array {
    return Uint32Array.from(this.#size > 0 ? [...this.#checks, this.#check] : this.#checks)
  }

  #next(): void {
    this.#checks.push(this.#check)
    this.#check = 0
    this.#size = 0
  }
}
