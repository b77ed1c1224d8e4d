import { closeSync, openSync } from 'node:fs'
import { checkExpansion } from './expansion.ts'
import { PassingTar, type TarSummary } from './passing-tar.ts'
import type { TarEndOptions } from './tar-scan.ts'
import { writeError } from './write-error.ts'
import { writeFully } from './write-fully.ts'

/** What is to become of what a gzip file holds: a raw tar. */
export interface UnpackOrder {
  /** A file that exists, in which nothing is yet. */
  readonly path: string
  /** Names the gzip file in errors. */
  readonly what: string
  readonly end: TarEndOptions
}

const HEAD = 512

/** A raw tar that is written and summed up in the thread that inflates it. Whoever makes one closes it. */
export class InflatedTar {
  /** The first bytes of it, one block at most. */
  head = Buffer.alloc(0)
  readonly #order: UnpackOrder
  readonly #descriptor: number
  readonly #tar = new PassingTar()
  #size = 0

  constructor(order: UnpackOrder) {
    this.#order = order
    this.#descriptor = openSync(order.path, 'r+')
  }

  /**
   * The next bytes, which came of `taken` bytes of the gzip file, all before them included.
   * @returns their CRC-32
   * @throws ARCHIVE_INVALID, ARCHIVE_UNSAFE, DISK_FULL
   */
  push(raw: Uint8Array, taken: number): number {
    const { path, what } = this.#order
    if (this.head.byteLength < HEAD) this.head = Buffer.concat([this.head, raw]).subarray(0, HEAD)
    this.#size += raw.byteLength
    checkExpansion(what, taken, this.#size)
    try {
      writeFully(this.#descriptor, raw)
    } catch (error) {
      throw writeError(error, path)
    }
    return this.#tar.push(raw)
  }

  /** When all of it has come. @throws ARCHIVE_INVALID */
  end(): TarSummary {
    return this.#tar.end(this.#order.end)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
