import { Slice } from './content.ts'
import { FIRST } from './gzip-blocks.ts'
import type { GzipSource } from './gzip-source.ts'
import type { LayerSources } from './layer-sources.ts'
import type { TarMember, TarStretch } from './layer-tar.ts'
import type { Directory } from './node.ts'
import type { Splice } from './piece.ts'
import type { CutEntry } from './piece-cutter.ts'
import { paddingSize } from './tar-header.ts'
import { nodeAt } from './tree-paths.ts'

const KIB = 1024

/** Blocks refer to this much before them at most: RFC 1951, section 2. */
const WINDOW = 32 * KIB
/** A run of blocks is copied from this size on: for less, ending one gzip member and beginning another is too dear. */
const WORTH = 128 * KIB
/** A splice ends when it has this much, raw or compressed. */
const ENOUGH = 1024 * KIB
/** A blob with larger blocks is left alone, since a splice is in memory as a whole. zlib's are 4.2 MiB at most. */
const LARGEST = 8192 * KIB

/** An entry of its own; one that ends where the blocks of the splices behind it begin; a splice. */
export type RunPart = { readonly kind: 'entry' | 'opening'; readonly entry: CutEntry } | Splice

/**
 * Finds where an archive has just the bytes, long enough, that a gzip blob has, and which deflate blocks say them. All
 * parts in their order are the archive without its end. Blocks that are copied see the same 32 KiB before them as where
 * they come from. Deterministic; what is held at a time is bounded.
 */
export function* runsOf(
  parts: Iterable<TarMember | TarStretch>,
  { gzips, unpacked }: Pick<LayerSources, 'gzips' | 'unpacked'>,
): Generator<RunPart> {
  const sources = new Map(gzips.filter(isUsable).map((source) => [source.file, source]))
  let run: Run | undefined
  for (const part of parts) {
    if (run?.take(part) !== true) {
      if (run !== undefined) yield* run.end()
      // Before a stretch comes the header of its folder, which begins a run if the tar has a source.
      run = 'raw' in part ? undefined : startRun(part, sources, unpacked)
    }
    if (run === undefined) yield* entriesOf(part)
    else yield* run.news()
  }
  if (run !== undefined) yield* run.end()
}

function isUsable({ blocks: { count, raw, start, end } }: GzipSource): boolean {
  for (let i = 0; i < count; i++) {
    if (raw[i + 1]! - raw[i]! > LARGEST || end[i]! - start[i]! > 8 * LARGEST) return false
  }
  return true
}

function startRun(
  member: TarMember,
  sources: ReadonlyMap<Slice['file'], GzipSource>,
  unpacked: readonly Directory[],
): Run | undefined {
  const { headerFrom, header } = member
  if (headerFrom !== undefined && followsHeader(member, headerFrom.file, headerFrom.offset + header.length)) {
    const source = sources.get(headerFrom.file)
    return source && new Run(source, member, headerFrom.offset)
  }
  const content = member.contentFrom ?? unpackedContent(member, unpacked)
  const source = content && sources.get(content.file)
  return source && new Run(source, member, content.offset)
}

/**
 * The member's content, if a tarball laid it where it is. Elsewhere it is nobody's: whether a file that a script made has
 * the slice of another or a copy may depend on the disk on which it ran.
 */
function unpackedContent({ path, content }: TarMember, unpacked: readonly Directory[]): Slice | undefined {
  if (!(content instanceof Slice) || content.size < WORTH) return undefined
  const isTheirs = (layer: Directory) => {
    const node = nodeAt(layer, path)
    return node?.kind === 'file' && node.content === content
  }
  return unpacked.some(isTheirs) ? content : undefined
}

/** Whether the member's content is in this file at `offset`; so is no content. */
function followsHeader({ content }: TarMember, file: Slice['file'], offset: number): boolean {
  if (content === undefined || content.size === 0) return true
  return content instanceof Slice && content.file === file && content.offset === offset
}

/** Bytes of an archive that are neighbours in the raw data of a source, too. */
class Run {
  readonly #source: GzipSource
  readonly #start: number
  #end: number
  /** Zeros of the archive behind the run, which belong to it only if it goes on behind them. */
  #zeros: number
  /** What began it, when its header is not in the run. */
  readonly #header: Uint8Array
  readonly #path: TarMember['path']
  /** Until it is known that some of it can be copied. */
  #held: (TarMember | TarStretch)[] | undefined
  /** The first block that was not given yet, and the first that does not end in the run. */
  #from: number
  #to: number

  constructor(source: GzipSource, member: TarMember, start: number) {
    const size = member.content?.size ?? 0
    const startsWithHeader = start === member.headerFrom?.offset
    this.#source = source
    this.#start = start
    this.#end = start + size + (startsWithHeader ? member.header.length : 0)
    this.#zeros = paddingSize(size)
    this.#header = startsWithHeader ? new Uint8Array() : member.header
    this.#path = member.path
    this.#held = [member]
    this.#from = firstFree(source, start)
    this.#to = this.#from
  }

  /** Whether the part goes on where the run ends; then it belongs to it. */
  take(part: TarMember | TarStretch): boolean {
    const { file } = this.#source
    if ('raw' in part) {
      const { raw } = part
      if (raw.file !== file || raw.offset !== this.#end + this.#zeros) return false
      this.#add(part, raw.offset + raw.size, raw.size)
      return true
    }
    const { header, headerFrom, content } = part
    if (headerFrom === undefined || headerFrom.file !== file) return false
    const end = headerFrom.offset + header.length
    if (headerFrom.offset !== this.#end + this.#zeros || !followsHeader(part, file, end)) return false
    const size = content?.size ?? 0
    this.#add(part, end + size, size)
    return true
  }

  #add(part: TarMember | TarStretch, end: number, size: number): void {
    this.#end = end
    this.#zeros = paddingSize(size)
    this.#held?.push(part)
  }

  /** What can be said since it was asked last. */
  *news(): Generator<RunPart> {
    const { raw, start, end, count } = this.#source.blocks
    if (this.#held !== undefined) {
      const first = raw[this.#from]
      if (first === undefined || raw[lastEnd(raw, this.#end)]! - first < WORTH) return
      this.#held = undefined
      yield { kind: 'opening', entry: { ...this.#slice(this.#start, first), header: this.#header } }
    }
    while (this.#to < count && raw[this.#to + 1]! <= this.#end) {
      const last = this.#to++
      const bits = end[last]! - start[this.#from]!
      if (raw[this.#to]! - raw[this.#from]! >= ENOUGH || bits >= 8 * ENOUGH) yield this.#splice()
    }
  }

  /** What is left. */
  *end(): Generator<RunPart> {
    if (this.#held !== undefined) {
      for (const part of this.#held) yield* entriesOf(part)
      return
    }
    if (this.#to > this.#from) yield this.#splice()
    const rest = this.#slice(this.#source.blocks.raw[this.#to]!, this.#end)
    const bodySize = rest.bodySize + this.#zeros
    if (bodySize > 0) yield { kind: 'entry', entry: { ...rest, bodySize } }
  }

  #splice(): Splice {
    const { blocks } = this.#source
    const [from, to] = [this.#from, this.#to]
    this.#from = to
    return { kind: 'splice', size: blocks.raw[to]! - blocks.raw[from]!, source: this.#source, from, to }
  }

  #slice(start: number, end: number): CutEntry {
    const content = new Slice(this.#source.file, start, end - start)
    return { path: this.#path, header: new Uint8Array(), content, bodySize: end - start }
  }
}

/** The first block that refers to nothing before `start`; `count` when there is none. */
function firstFree({ blocks: { raw, flags, count } }: GzipSource, start: number): number {
  let block = start === 0 ? 0 : lastEnd(raw, start - 1) + 1
  while (block < count && (flags[block]! & FIRST) === 0 && raw[block]! < start + WINDOW) block++
  return block
}

/** The last index whose value is not above `limit`, in ascending values of which the first is not. */
function lastEnd(values: Float64Array, limit: number): number {
  let [low, high] = [0, values.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (values[middle]! <= limit) low = middle
    else high = middle - 1
  }
  return low
}

function* entriesOf(part: TarMember | TarStretch): Generator<RunPart> {
  if (!('raw' in part)) yield { kind: 'entry', entry: entryOf(part) }
  else for (const member of part.members()) yield { kind: 'entry', entry: entryOf(member) }
}

function entryOf({ path, header, content }: TarMember): CutEntry {
  const bodySize = content === undefined ? 0 : content.size + paddingSize(content.size)
  return content === undefined ? { path, header, bodySize } : { path, header, content, bodySize }
}
