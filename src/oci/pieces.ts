import { crc32 } from 'node:zlib'
import type { Content } from './content.ts'
import type { TarMember } from './layer-tar.ts'
import type { ByteString } from './name.ts'
import { END_OF_ARCHIVE, padding } from './tar-header.ts'

const KIB = 1024

/** A piece ends before an entry only when it holds this much already. */
const MIN = 256 * KIB
/** No entry is added to a piece that it would bring above this. */
const MAX = 1024 * KIB
/** The body of an entry from this size on is cut by itself, at multiples of this from its start. */
const LARGE = 1024 * KIB
/** One entry in 16 may end a piece: the files of a Debian root are 20 KiB in the mean, so that is every 320 KiB. */
const MASK = 15

/** A part of an archive: what it is made of, in ascending order. What no part covers is zeros. */
export interface Piece {
  readonly size: number
  readonly parts: readonly (PieceHeader | PieceBody)[]
}

/** A member's whole header; `at` counts from the start of the piece. */
export interface PieceHeader {
  readonly kind: 'header'
  readonly at: number
  readonly bytes: Uint8Array
}

/** `size` bytes of a member's content from its byte `start` on; 0 bytes for an empty file. */
export interface PieceBody {
  readonly kind: 'body'
  readonly at: number
  readonly path: ByteString
  readonly content: Content
  readonly start: number
  readonly size: number
}

/**
 * An archive in pieces: together they are exactly its bytes, the end of the archive included. Nothing is read.
 *
 * Where a piece ends depends on what is near and on nothing else: before an entry whose header hashes so, and inside the
 * body of a large file at fixed distances from its own start. An inserted or changed file therefore disturbs the piece it
 * is in and few after it, and an unchanged large file gives the same pieces wherever it stands. Deterministic. Pieces are
 * at most `MIN` + `LARGE` and a header long.
 *
 * Sizes were chosen on a Debian 12 root (mmdebstrap minbase, 170,401,280 bytes of tar, 8,743 entries) with libdeflate at
 * level 6; `gzip -6` makes 60,458,687 bytes of it as a whole:
 *
 *     min   max    pieces  median   compressed
 *     128K   512K     480    367K   59,675,681
 *     256K  1024K     263    617K   59,559,646  (this one: 1.5% smaller than gzip -6)
 *     512K  1024K     211    849K   59,520,758
 */
export function* cutPieces(members: Iterable<TarMember>): Generator<Piece> {
  const cutter = new Cutter()
  let last: TarMember = NOTHING
  for (const member of members) {
    yield* cutter.add(last, paddedSize(last))
    last = member
  }
  // The end of the archive counts as the last entry's body.
  yield* cutter.add(last, paddedSize(last) + END_OF_ARCHIVE.length)
  yield* cutter.end()
}

const NOTHING: TarMember = { path: '', header: new Uint8Array() }

function paddedSize({ content }: TarMember): number {
  return content === undefined ? 0 : content.size + padding(content.size).length
}

class Cutter {
  /** The piece so far: whole entries, or the tail of a large body. */
  #size = 0
  #parts: (PieceHeader | PieceBody)[] = []

  #addHeader({ header }: TarMember): void {
    if (header.byteLength > 0) this.#parts.push({ kind: 'header', at: this.#size, bytes: header })
    this.#size += header.byteLength
  }

  /** `size` bytes of the padded body from `start` on. */
  #addBody({ path, content }: TarMember, start: number, size: number): void {
    if (content !== undefined && (start < content.size || start === 0)) {
      const length = Math.min(size, content.size - start)
      this.#parts.push({ kind: 'body', at: this.#size, path, content, start, size: length })
    }
    this.#size += size
  }
  *add(member: TarMember, bodySize: number): Generator<Piece> {
    if (bodySize < LARGE) {
      const size = member.header.byteLength + bodySize
      const mayEnd = this.#size + size > MAX || (crc32(member.header) & MASK) === 0
      if (this.#size >= MIN && mayEnd) yield* this.end()
      this.#addHeader(member)
      this.#addBody(member, 0, bodySize)
      return
    }
    this.#addHeader(member)
    yield* this.end()
    let start = 0
    for (; bodySize - start >= LARGE; start += LARGE) {
      this.#addBody(member, start, LARGE)
      yield* this.end()
    }
    this.#addBody(member, start, bodySize - start)
  }

  *end(): Generator<Piece> {
    if (this.#size === 0) return
    yield { size: this.#size, parts: this.#parts }
    this.#size = 0
    this.#parts = []
  }
}
