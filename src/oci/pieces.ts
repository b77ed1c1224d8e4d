import { type LayerSources, NO_SOURCES } from './layer-sources.ts'
import type { TarMember, TarStretch } from './layer-tar.ts'
import type { Piece } from './piece.ts'
import { type CutEntry, PieceCutter } from './piece-cutter.ts'
import { runsOf } from './runs.ts'
import { END_OF_ARCHIVE } from './tar-header.ts'

/**
 * An archive in pieces: together they are exactly its bytes, the end of the archive included unless it goes on. Nothing is
 * read.
 *
 * Long runs of bytes that are in a gzip blob already are cut where that blob's deflate blocks end (`runsOf`), all else by
 * `PieceCutter`. Deterministic. A piece is about 1.3 MiB at most; one that the blocks of a strange blob make larger is no
 * larger than `runsOf` allows.
 *
 * Sizes were chosen on a Debian 12 root (mmdebstrap minbase, 170,401,280 bytes of tar, 8,743 entries) with libdeflate at
 * level 6; `gzip -6` makes 60,458,687 bytes of it as a whole:
 *
 *     min   max    pieces  median   compressed
 *     128K   512K     480    367K   59,675,681
 *     256K  1024K     263    617K   59,559,646  (this one: 1.5% smaller than gzip -6)
 *     512K  1024K     211    849K   59,520,758
 *
 * @param sources of the members' contents
 */
export function* cutPieces(
  parts: Iterable<TarMember | TarStretch>,
  sources: Pick<LayerSources, 'gzips' | 'unpacked'> = NO_SOURCES,
  { goesOn = false }: { readonly goesOn?: boolean } = {},
): Generator<Piece> {
  const cutter = new PieceCutter()
  let last: CutEntry = NOTHING
  for (const part of runsOf(parts, sources)) {
    const ended = cutter.add(last)
    if (ended.length > 0) yield* ended
    last = part.kind === 'entry' ? part.entry : NOTHING
    if (part.kind === 'opening') yield* cutter.open(part.entry)
    else if (part.kind === 'splice') yield part
  }
  // The end of the archive counts as the last entry's body.
  yield* cutter.add(goesOn ? last : { ...last, bodySize: last.bodySize + END_OF_ARCHIVE.length })
  yield* cutter.end()
}

const NOTHING: CutEntry = { path: '', header: new Uint8Array(), bodySize: 0 }
