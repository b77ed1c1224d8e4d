import { closeSync, openSync } from 'node:fs'
import { checkExpansion } from './expansion.ts'
import { FileChecks } from './file-checks.ts'
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
  /** It is only written: somebody else reads the file, and sums it up. */
  readonly isDivided?: boolean
}

/** A raw tar that was written, and that somebody else sums up. */
export interface WrittenTar {
  /** Bytes. */
  readonly size: number
  /** See `FileChecks`. */
  readonly checks: Uint32Array
}

const HEAD = 512
/** Bytes of the tar from one word about them to the next. */
const STEP = 2 << 20

/** A raw tar that is written, and summed up unless that is divided, in the thread that inflates it. Whoever makes one closes it. */
export class InflatedTar {
  /** The first bytes of it, one block at most. */
  head = Buffer.alloc(0)
  /** Bytes that were written. */
  written = 0
  readonly #order: UnpackOrder
  readonly #descriptor: number
  readonly #tar: PassingTar | FileChecks
  readonly #tell: (written: number) => void
  #told = 0

  /** @param tell hears how far it is written when that is divided */
  constructor(order: UnpackOrder, tell: (written: number) => void) {
    this.#order = order
    this.#tell = tell
    this.#tar = order.isDivided === true ? new FileChecks() : new PassingTar()
    this.#descriptor = openSync(order.path, 'r+')
  }

  /**
   * The next bytes, which came of `taken` bytes of the gzip file, all before them included.
   * @returns their CRC-32
   * @throws ARCHIVE_UNSAFE, DISK_FULL; ARCHIVE_INVALID unless it is divided
   */
  push(raw: Uint8Array, taken: number): number {
    const { path, what, isDivided = false } = this.#order
    if (this.head.byteLength < HEAD) this.head = Buffer.concat([this.head, raw]).subarray(0, HEAD)
    checkExpansion(what, taken, this.written + raw.byteLength)
    try {
      writeFully(this.#descriptor, raw)
    } catch (error) {
      throw writeError(error, path)
    }
    this.written += raw.byteLength
    if (isDivided && this.written - this.#told >= STEP) {
      this.#told = this.written
      this.#tell(this.written)
    }
    return this.#tar.push(raw)
  }

  /** When all of it has come. @throws ARCHIVE_INVALID */
  end(): { readonly tar: TarSummary } | { readonly raw: WrittenTar } {
    const tar = this.#tar
    if (tar instanceof PassingTar) return { tar: tar.end(this.#order.end) }
    return { raw: { size: this.written, checks: tar.soFar() } }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
