import { type Content, HostFile, readAll, Slice, type SliceFile } from '../oci/content.ts'
import type { Digest } from '../oci/digest.ts'
import type { ByteString } from '../oci/name.ts'
import { SparseContent } from '../oci/sparse-content.ts'

/** Bytes that are read in one go, and which of the files of an image are in them. Can be sent to a thread. */
export interface FileRun {
  readonly source: RunSource
  /** Where files start and end, ascending. What is between them belongs to none. */
  readonly starts: Float64Array
  readonly ends: Float64Array
  /** The number of each file. */
  readonly files: Uint32Array
}

/**
 * An open descriptor, with the digest of all that the file has if it is known; whole host files one behind the other, by
 * the bytes of their paths, in which each path has an end; or the bytes themselves.
 */
export type RunSource =
  | { readonly kind: 'descriptor'; readonly descriptor: number; readonly digest: Digest | undefined }
  | HostPaths
  | { readonly kind: 'memory'; readonly bytes: Uint8Array }

export interface HostPaths {
  readonly kind: 'paths'
  readonly paths: Uint8Array
  readonly pathEnds: Uint32Array
}

/** Bytes between files that are rather read than skipped: headers of a tar, and small files that were replaced. */
const GAP = 64 << 10

/**
 * How to read contents with as few and long reads as possible: files that are neighbours in a tar are read together.
 * Takes a few bytes of memory for each.
 */
export class ReadPlan {
  readonly #slices = new Map<SliceFile, Extents>()
  readonly #hostFiles = new HostFiles()
  readonly #others: { readonly file: number; readonly content: Content }[] = []

  add(file: number, content: Content): void {
    if (content.size === 0) return
    if (content instanceof Slice) this.#of(content.file).add(file, content.offset, content.offset + content.size)
    else if (content instanceof SparseContent) {
      const extents = this.#of(content.file)
      for (const part of content.extents) extents.add(file, part.offset, part.offset + part.size)
    } else if (content instanceof HostFile) this.#hostFiles.add(file, content)
    else this.#others.push({ file, content })
  }

  /** Reads nothing but what is no file: generated contents, which are in memory anyway. */
  async finish(): Promise<FileRun[]> {
    const runs = this.#hostFiles.runs()
    for (const { file, content } of this.#others) {
      const alone = new Extents()
      alone.add(file, 0, content.size)
      runs.push(...alone.runs({ kind: 'memory', bytes: await readAll(content, content.size) }))
    }
    for (const [{ descriptor, digest }, extents] of this.#slices) {
      runs.push(...extents.runs({ kind: 'descriptor', descriptor, digest }))
    }
    return runs
  }

  #of(from: SliceFile): Extents {
    const known = this.#slices.get(from) ?? new Extents()
    this.#slices.set(from, known)
    return known
  }
}

/** Texts as runs; the number of each is its place in the list. */
export function textRuns(texts: readonly ByteString[]): FileRun[] {
  const extents = new Extents()
  let end = 0
  for (const [file, text] of texts.entries()) {
    extents.add(file, end, end + text.length)
    end += text.length
  }
  return extents.runs({ kind: 'memory', bytes: Buffer.from(texts.join(''), 'latin1') })
}

/** All in one run: an object for each of half a million would take a kilobyte, and as much in the thread that gets it. */
class HostFiles {
  readonly #extents = new Extents()
  readonly #paths: Uint8Array[] = []
  readonly #pathEnds: number[] = []
  #end = 0
  #pathEnd = 0

  add(file: number, { path, size }: HostFile): void {
    this.#extents.add(file, this.#end, this.#end + size)
    this.#end += size
    this.#paths.push(path)
    this.#pathEnd += path.byteLength
    this.#pathEnds.push(this.#pathEnd)
  }

  runs(): FileRun[] {
    const paths = Buffer.concat(this.#paths)
    return this.#extents.runs({ kind: 'paths', paths, pathEnds: Uint32Array.from(this.#pathEnds) })
  }
}

/** Where files are in one source, in arrays of numbers: there may be half a million. */
class Extents {
  readonly #files: number[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  add(file: number, start: number, end: number): void {
    this.#files.push(file)
    this.#starts.push(start)
    this.#ends.push(end)
  }

  runs(source: RunSource): FileRun[] {
    const [starts, ends] = [this.#starts, this.#ends]
    const order = new Uint32Array(starts.length)
    for (let i = 0; i < order.length; i++) order[i] = i
    // As they mostly come: to sort half a million takes as long as to find them.
    if (!isAscending(starts)) order.sort((a, b) => starts[a]! - starts[b]!)
    const runs: FileRun[] = []
    let first = 0
    for (let next = 1; next <= order.length; next++) {
      if (next < order.length && starts[order[next]!]! - ends[order[next - 1]!]! <= GAP) continue
      const near = order.subarray(first, next)
      const count = near.length
      const run = {
        source,
        starts: new Float64Array(count),
        ends: new Float64Array(count),
        files: new Uint32Array(count),
      }
      // Not by `from`, which calls a function for each of half a million numbers.
      for (let i = 0; i < count; i++) {
        run.starts[i] = starts[near[i]!]!
        run.ends[i] = ends[near[i]!]!
        run.files[i] = this.#files[near[i]!]!
      }
      runs.push(run)
      first = next
    }
    return runs
  }
}

function isAscending(numbers: readonly number[]): boolean {
  for (let i = 1; i < numbers.length; i++) if (numbers[i]! < numbers[i - 1]!) return false
  return true
}
