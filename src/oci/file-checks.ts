import { crc32 } from 'node:zlib'
import { CHECKED } from './gzip-blocks.ts'

/** `GzipBlocks.checks` of a file given in chunks of any size. */
export class FileChecks {
  readonly #checks: number[] = []
  #check = 0
  /** Bytes that `#check` is of. */
  #size = 0

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.byteLength; ) {
      const part = chunk.subarray(at, at + CHECKED - this.#size)
      this.#check = crc32(part, this.#check)
      this.#size += part.byteLength
      at += part.byteLength
      if (this.#size === CHECKED) this.#next()
    }
  }

  /** Nothing can be pushed any more. */
  end(): Uint32Array {
    if (this.#size > 0) this.#next()
    return Uint32Array.from(this.#checks)
  }

  #next(): void {
    this.#checks.push(this.#check)
    this.#check = 0
    this.#size = 0
  }
}
