import { crc32 } from 'node:zlib'
import type { TarPart } from './layer-tar.ts'

const KIB = 1024

/** A piece ends before an entry only when it holds this much already. */
const MIN = 256 * KIB
/** No entry is added to a piece that it would bring above this. */
const MAX = 1024 * KIB
/** The body of an entry from this size on is cut by itself, at multiples of this from its start. */
const LARGE = 1024 * KIB
/** One entry in 16 may end a piece: the files of a Debian root are 20 KiB in the mean, so that is every 320 KiB. */
const MASK = 15

/**
 * The raw tar in pieces, each a list of chunks in order; together they are exactly the parts' bytes.
 *
 * Where a piece ends depends on what is near and on nothing else: before an entry whose header hashes so, and inside the
 * body of a large file at fixed distances from its own start. An inserted or changed file therefore disturbs the piece it
 * is in and few after it, and an unchanged large file gives the same pieces wherever it stands. Deterministic. Pieces are
 * at most `MIN` + `LARGE` and a header long; about two pieces are held at a time.
 *
 * Sizes were chosen on a Debian 12 root (mmdebstrap minbase, 170,401,280 bytes of tar, 8,743 entries) with libdeflate at
 * level 6; `gzip -6` makes 60,458,687 bytes of it as a whole:
 *
 *     min   max    pieces  median   compressed
 *     128K   512K     480    367K   59,675,681
 *     256K  1024K     263    617K   59,559,646  (this one: 1.5% smaller than gzip -6)
 *     512K  1024K     211    849K   59,520,758
 */
export async function* cutPieces(parts: AsyncIterable<TarPart>): AsyncGenerator<Uint8Array[]> {
  const cutter = new Cutter()
  for await (const { bytes, entry } of parts) {
    if (entry) cutter.startEntry(bytes)
    else cutter.addBody(bytes)
    yield* cutter.take()
  }
  cutter.end()
  yield* cutter.take()
}

class Run {
  chunks: Uint8Array[] = []
  size = 0

  add(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.chunks.push(bytes)
    this.size += bytes.byteLength
  }

  /** Everything so far, and nothing stays. */
  drain(): Uint8Array[] {
    const { chunks } = this
    this.chunks = []
    this.size = 0
    return chunks
  }
}

class Cutter {
  /** The piece so far: whole entries, or the tail of a large body. */
  readonly #piece = new Run()
  #header: Uint8Array = new Uint8Array()
  readonly #body = new Run()
  /** The entry's header is in a piece already: its body is being cut by itself. */
  #large = false
  #done: Uint8Array[][] = []

  startEntry(header: Uint8Array): void {
    this.#finishEntry()
    this.#header = header
  }

  addBody(bytes: Uint8Array): void {
    let rest = bytes
    while (this.#body.size + rest.byteLength >= LARGE) {
      if (!this.#large) {
        this.#piece.add(this.#header)
        this.#endPiece()
        this.#large = true
      }
      const upTo = LARGE - this.#body.size
      this.#body.add(rest.subarray(0, upTo))
      this.#done.push(this.#body.drain())
      rest = rest.subarray(upTo)
    }
    this.#body.add(rest)
  }

  end(): void {
    this.#finishEntry()
    this.#endPiece()
  }

  /** The pieces that are complete, once. */
  take(): Uint8Array[][] {
    const done = this.#done
    this.#done = []
    return done
  }

  #finishEntry(): void {
    if (!this.#large) {
      const size = this.#header.byteLength + this.#body.size
      const mayEnd = this.#piece.size + size > MAX || (crc32(this.#header) & MASK) === 0
      if (this.#piece.size >= MIN && mayEnd) this.#endPiece()
      this.#piece.add(this.#header)
    }
    for (const chunk of this.#body.drain()) this.#piece.add(chunk)
    this.#header = new Uint8Array()
    this.#large = false
  }

  #endPiece(): void {
    if (this.#piece.size > 0) this.#done.push(this.#piece.drain())
  }
}
