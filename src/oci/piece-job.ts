import { HostFile, type HostStamp, Slice, type SliceFile } from './content.ts'
import type { FileGuard } from './file-guard.ts'
import { CHECKED, type GzipBlocks } from './gzip-blocks.ts'
import type { OwnPiece, PieceBody, PieceKind, Splice } from './piece.ts'
import { SparseContent } from './sparse-content.ts'

/** One piece to be made by a thread, in memory that both sides see. */
export interface PieceJob {
  /** The raw piece is made at 0, its member from `room` on; headers wait there, packed, until all else is read. */
  readonly memory: SharedArrayBuffer
  readonly room: number
  /** Bytes of the raw piece. */
  readonly size: number
  /** Pairs: where in the piece, bytes. */
  readonly headers: Uint32Array
  readonly zeros: Uint32Array
  /** Fours: descriptor, offset in that file, where in the piece, bytes. */
  readonly reads: Float64Array
  readonly files: readonly FileRead[]
  /** How to tell whether what is read is right, by descriptor. */
  readonly guards: ReadonlyMap<number, FileGuard>
  /** What the compressed bytes are made of; else the raw piece is compressed, as a member or the beginning of one. */
  readonly blocks?: BlockRead
  readonly kind: PieceKind
  /** Descriptor of the layer's file, to which the piece is to be appended at once. */
  readonly into?: number
}

/** Deflate blocks to be copied from a file. */
export interface BlockRead extends Pick<GzipBlocks, 'start' | 'end' | 'flags' | 'checks'> {
  readonly descriptor: number
  /** Where in the file the first of `checks` counts from. */
  readonly origin: number
  /** Bytes of the file that `checks` cover. */
  readonly length: number
}

/** A part of a host file that must still be what it was. */
export interface FileRead extends HostStamp {
  readonly path: Uint8Array
  readonly start: number
  readonly at: number
  readonly length: number
}

/** A piece's recipe: what threads read by themselves, and what only the main thread can get. */
export interface PieceRecipe extends Omit<PieceJob, 'memory' | 'room' | 'size' | 'kind' | 'into'> {
  readonly streamed: readonly PieceBody[]
}

/** @param streamAll nothing is left to the threads: one of them could not read this */
export function recipeOf({ size, parts }: OwnPiece, streamAll = false): PieceRecipe {
  const recipe = new Recipe()
  for (const part of parts) {
    if (part.kind === 'header') recipe.header(part.at, part.bytes.byteLength)
    else if (streamAll) recipe.stream(part)
    else recipe.body(part)
  }
  return recipe.finish(size)
}

/** A splice's recipe: raw bytes from the raw tar, compressed ones from the blob. */
export function spliceRecipe({ size, source, from, to }: Splice): PieceRecipe {
  const { file, blob, blobSize, blocks } = source
  const [start, end] = [blocks.start.slice(from, to), blocks.end.slice(from, to)]
  const first = Math.floor(start[0]! / 8 / CHECKED)
  const last = Math.ceil(end.at(-1)! / 8 / CHECKED)
  const origin = first * CHECKED
  const length = Math.min(last * CHECKED, blobSize) - origin
  return {
    headers: new Uint32Array(),
    zeros: new Uint32Array(),
    reads: Float64Array.of(file.descriptor, blocks.raw[from]!, 0, size),
    files: [],
    guards: guardsOf(file),
    streamed: [],
    blocks: {
      ...{ descriptor: blob.descriptor, origin, length, start, end },
      flags: blocks.flags.slice(from, to),
      checks: blocks.checks.slice(first, last),
    },
  }
}

function guardsOf({ descriptor, guard }: SliceFile): ReadonlyMap<number, FileGuard> {
  return new Map(guard === undefined ? [] : [[descriptor, guard]])
}

class Recipe {
  readonly #headers: number[] = []
  readonly #zeros: number[] = []
  readonly #reads: number[] = []
  readonly #files: FileRead[] = []
  readonly #guards = new Map<number, FileGuard>()
  readonly #streamed: PieceBody[] = []
  /** All before it has a source. */
  #covered = 0
  /** The last of `#reads` can go on here: nothing but headers, which come later, lies between. */
  #open = false

  header(at: number, size: number): void {
    this.#cover(at, size)
    this.#headers.push(at, size)
  }

  body(part: PieceBody): void {
    const { content, at, start, size } = part
    if (content instanceof Slice) this.#read(content.file, content.offset + start, at, size)
    else if (content instanceof SparseContent) this.#extents(content, part)
    else if (content instanceof HostFile) {
      const { path, stamp } = content
      this.#cover(at, size)
      this.#files.push({ ...stamp, path, start, at, length: size })
      this.#open = false
    } else this.stream(part)
  }

  stream(part: PieceBody): void {
    this.#cover(part.at, part.size)
    this.#streamed.push(part)
    this.#open = false
  }

  finish(size: number): PieceRecipe {
    this.#cover(size, 0)
    return {
      headers: Uint32Array.from(this.#headers),
      zeros: Uint32Array.from(this.#zeros),
      reads: Float64Array.from(this.#reads),
      files: this.#files,
      guards: this.#guards,
      streamed: this.#streamed,
    }
  }

  #extents({ file, extents }: SparseContent, { at, start, size }: PieceBody): void {
    const end = start + size
    for (const extent of extents) {
      const [from, to] = [Math.max(extent.at, start), Math.min(extent.at + extent.size, end)]
      if (from >= to) continue
      this.#read(file, extent.offset + from - extent.at, at + from - start, to - from)
    }
  }

  /** Files that are neighbours here as in the archive that they come from are read at once, with what is between. */
  #read({ descriptor, guard }: SliceFile, offset: number, at: number, size: number): void {
    if (guard !== undefined) this.#guards.set(descriptor, guard)
    this.#cover(at, size)
    const reads = this.#reads
    const last = reads.length - 4
    if (this.#open && reads[last] === descriptor && offset - reads[last + 1]! === at - reads[last + 2]!) {
      reads[last + 3] = at + size - reads[last + 2]!
      return
    }
    if (size > 0) reads.push(descriptor, offset, at, size)
    this.#open = reads.length > 0
  }

  #cover(at: number, size: number): void {
    if (at > this.#covered) this.#zeros.push(this.#covered, at - this.#covered)
    this.#covered = at + size
  }
}
