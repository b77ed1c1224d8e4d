import { crc32 } from 'node:zlib'
import type { Content } from './content.ts'
import type { ByteString } from './name.ts'
import type { OwnPiece, PieceBody, PieceHeader } from './piece.ts'

const KIB = 1024

/** A piece ends before an entry only when it holds this much already. */
const MIN = 256 * KIB
/** No entry is added to a piece that it would bring above this. */
const MAX = 1024 * KIB
/** The body of an entry from this size on is cut by itself, at multiples of this from its start. */
const LARGE = 1024 * KIB
/** One entry in 16 may end a piece: the files of a Debian root are 20 KiB in the mean, so that is every 320 KiB. */
const MASK = 15

/** A header and what follows it: `bodySize` bytes, first the content's, then zeros. */
export interface CutEntry {
  readonly path: ByteString
  readonly header: Uint8Array
  readonly content?: Content
  readonly bodySize: number
}

/**
 * Cuts what is to be compressed. Where a piece ends depends on what is near and on nothing else: before an entry whose
 * header hashes so, and inside the body of a large file at fixed distances from its own start. An inserted or changed
 * file therefore disturbs the piece it is in and few after it, and an unchanged large file gives the same pieces wherever
 * it stands. Deterministic.
 */
export class PieceCutter {
  /** The piece so far: whole entries, or the tail of a large body. */
  #size = 0
  #parts: (PieceHeader | PieceBody)[] = []

  #addHeader({ header }: CutEntry): void {
    if (header.byteLength > 0) this.#parts.push({ kind: 'header', at: this.#size, bytes: header })
    this.#size += header.byteLength
  }

  *add(entry: CutEntry): Generator<OwnPiece> {
    const { header, bodySize } = entry
    if (bodySize < LARGE) {
      const size = header.byteLength + bodySize
      const mayEnd = this.#size + size > MAX || (crc32(header) & MASK) === 0
      if (this.#size >= MIN && mayEnd) yield* this.end()
      this.#addHeader(entry)
      this.#addBody(entry, 0, bodySize)
      return
    }
    this.#addHeader(entry)
    yield* this.end()
    let start = 0
    for (; bodySize - start >= LARGE; start += LARGE) {
      this.#addBody(entry, start, LARGE)
      yield* this.end()
    }
    this.#addBody(entry, start, bodySize - start)
  }

  /** Ends what there is with this entry, for splices to follow. */
  *open(entry: CutEntry): Generator<OwnPiece> {
    if (this.#size >= MIN) yield* this.end()
    this.#addHeader(entry)
    this.#addBody(entry, 0, entry.bodySize)
    yield this.#take(true)
  }

  *end(): Generator<OwnPiece> {
    if (this.#size > 0) yield this.#take(false)
  }

  #take(isOpen: boolean): OwnPiece {
    const piece = { kind: 'own', size: this.#size, parts: this.#parts, isOpen } as const
    this.#size = 0
    this.#parts = []
    return piece
  }

  /** `size` bytes of the body from `start` on. */
  #addBody({ path, content }: CutEntry, start: number, size: number): void {
    if (content !== undefined && (start < content.size || start === 0)) {
      const length = Math.min(size, content.size - start)
      this.#parts.push({ kind: 'body', at: this.#size, path, content, start, size: length })
    }
    this.#size += size
  }
}
