import type { Content } from './content.ts'
import { crc32 } from './crc32.ts'
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

const NONE: readonly OwnPiece[] = []

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

  /** Adds an entry, and returns what is complete by it. */
  add(entry: CutEntry): readonly OwnPiece[] {
    const { header, bodySize } = entry
    if (bodySize >= LARGE) return this.#addLarge(entry)
    const isFull = this.#size + header.byteLength + bodySize > MAX
    const ended = this.#size >= MIN && (isFull || (crc32(header) & MASK) === 0) ? this.end() : NONE
    this.#addHeader(entry)
    this.#addBody(entry, 0, bodySize)
    return ended
  }

  #addLarge(entry: CutEntry): readonly OwnPiece[] {
    const { bodySize } = entry
    this.#addHeader(entry)
    const ended = [...this.end()]
    let start = 0
    for (; bodySize - start >= LARGE; start += LARGE) {
      this.#addBody(entry, start, LARGE)
      ended.push(...this.end())
    }
    this.#addBody(entry, start, bodySize - start)
    return ended
  }

  /** Ends what there is with this entry, for splices to follow. */
  open(entry: CutEntry): readonly OwnPiece[] {
    const ended = this.#size >= MIN ? this.end() : NONE
    this.#addHeader(entry)
    this.#addBody(entry, 0, entry.bodySize)
    return [...ended, this.#take(true)]
  }

  /** Ends what there is. */
  end(): readonly OwnPiece[] {
    return this.#size > 0 ? [this.#take(false)] : NONE
  }

  #addHeader({ header }: CutEntry): void {
    if (header.byteLength > 0) this.#parts.push({ kind: 'header', at: this.#size, bytes: header })
    this.#size += header.byteLength
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
