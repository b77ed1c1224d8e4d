import { HostFile, type HostStamp, Slice } from './content.ts'
import type { Piece, PieceBody } from './pieces.ts'
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
}

/** A part of a host file that must still be what it was. */
export interface FileRead extends HostStamp {
  readonly path: Uint8Array
  readonly start: number
  readonly at: number
  readonly length: number
}

/** A piece's recipe: what threads read by themselves, and what only the main thread can get. */
export interface PieceRecipe extends Omit<PieceJob, 'memory' | 'room' | 'size'> {
  readonly streamed: readonly PieceBody[]
}

/** @param streamAll nothing is left to the threads: one of them could not read this */
export function recipeOf({ size, parts }: Piece, streamAll = false): PieceRecipe {
  const recipe = new Recipe()
  for (const part of parts) {
    if (part.kind === 'header') recipe.header(part.at, part.bytes.byteLength)
    else if (streamAll) recipe.stream(part)
    else recipe.body(part)
  }
  return recipe.finish(size)
}

class Recipe {
  readonly #headers: number[] = []
  readonly #zeros: number[] = []
  readonly #reads: number[] = []
  readonly #files: FileRead[] = []
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
    if (content instanceof Slice) this.#read(content.file.descriptor, content.offset + start, at, size)
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
      streamed: this.#streamed,
    }
  }

  #extents({ file, extents }: SparseContent, { at, start, size }: PieceBody): void {
    const end = start + size
    for (const extent of extents) {
      const [from, to] = [Math.max(extent.at, start), Math.min(extent.at + extent.size, end)]
      if (from >= to) continue
      this.#read(file.descriptor, extent.offset + from - extent.at, at + from - start, to - from)
    }
  }

  /** Files that are neighbours here as in the archive that they come from are read at once, with what is between. */
  #read(descriptor: number, offset: number, at: number, size: number): void {
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
