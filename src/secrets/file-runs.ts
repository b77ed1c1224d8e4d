import { type Content, HostFile, readAll, Slice, type SliceFile } from '../oci/content.ts'
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

/** An open descriptor; a host file by the bytes of its path; or the bytes themselves. */
export type RunSource =
  | { readonly kind: 'descriptor'; readonly descriptor: number }
  | { readonly kind: 'path'; readonly path: Uint8Array }
  | { readonly kind: 'memory'; readonly bytes: Uint8Array }

/** Bytes between files that are rather read than skipped: headers of a tar, and small files that were replaced. */
const GAP = 64 << 10

/**
 * How to read contents with as few and long reads as possible: files that are neighbours in a tar are read together.
 * Numbers are those of the list. Nothing is read here but what is no file: generated contents, which are in memory anyway.
 */
export async function planReads(contents: readonly Content[]): Promise<FileRun[]> {
  const slices = new Map<SliceFile, Extent[]>()
  const runs: FileRun[] = []
  const put = (from: SliceFile, extent: Extent) => {
    const extents = slices.get(from) ?? []
    slices.set(from, extents)
    extents.push(extent)
  }
  for (const [file, content] of contents.entries()) {
    const { size } = content
    if (size === 0) continue
    if (content instanceof Slice) put(content.file, { file, start: content.offset, end: content.offset + size })
    else if (content instanceof SparseContent) {
      for (const part of content.extents) put(content.file, { file, start: part.offset, end: part.offset + part.size })
    } else runs.push(runOf(await sourceOf(content), [{ file, start: 0, end: size }]))
  }
  for (const [{ descriptor }, extents] of slices) {
    for (const near of neighbours(extents)) runs.push(runOf({ kind: 'descriptor', descriptor }, near))
  }
  return runs
}

/** Texts as one run; the number of each is its place in the list. */
export function textRun(texts: readonly ByteString[]): FileRun {
  const extents: Extent[] = []
  for (const [file, text] of texts.entries()) {
    const start = extents.at(-1)?.end ?? 0
    extents.push({ file, start, end: start + text.length })
  }
  return runOf({ kind: 'memory', bytes: Buffer.from(texts.join(''), 'latin1') }, extents)
}

async function sourceOf(content: Content): Promise<RunSource> {
  if (content instanceof HostFile) return { kind: 'path', path: content.path }
  return { kind: 'memory', bytes: await readAll(content, content.size) }
}

interface Extent {
  readonly file: number
  readonly start: number
  readonly end: number
}

function* neighbours(extents: Extent[]): Generator<Extent[]> {
  let near: Extent[] = []
  for (const extent of extents.sort((a, b) => a.start - b.start)) {
    if (near.length > 0 && extent.start - near.at(-1)!.end > GAP) {
      yield near
      near = []
    }
    near.push(extent)
  }
  if (near.length > 0) yield near
}

function runOf(source: RunSource, extents: readonly Extent[]): FileRun {
  return {
    source,
    starts: Float64Array.from(extents, ({ start }) => start),
    ends: Float64Array.from(extents, ({ end }) => end),
    files: Uint32Array.from(extents, ({ file }) => file),
  }
}
