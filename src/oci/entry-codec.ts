import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { ByteString } from './name.ts'
import { NO_XATTRS } from './node.ts'
import type { DataExtent, EntryType, TarEntry } from './tar-entry.ts'

const TYPES: readonly EntryType[] = ['file', 'link', 'symlink', 'character', 'block', 'directory', 'fifo']
const TYPE_MASK = 0b111
/** Mode, owner and time are those of the member before. */
const SAME_ATTRS = 1 << 3
const XATTRS = 1 << 4
/** The bytes of the file are one piece. */
const WHOLE = 1 << 5
const BEFORE_1970 = 1 << 6

const NO_DATA: readonly DataExtent[] = []

/** What of the member before the next one is told by: names share their start, and data follows data. */
interface Before {
  path: ByteString
  mode: number
  uid: number
  gid: number
  mtime: number
  /** Where its data ended in the archive. */
  end: number
}

const first = (): Before => ({ path: '', mode: 0, uid: 0, gid: 0, mtime: 0, end: 0 })

/** The members of an archive as bytes, which EntryReader makes into the same members again. */
export class EntryWriter {
  readonly #out = new ByteWriter()
  readonly #before = first()

  /** Members have to come in the order of the archive. */
  write(entry: TarEntry): void {
    const out = this.#out
    const flags = this.#flagsOf(entry)
    out.number(flags)
    this.#writePath(entry.path)
    if ((flags & SAME_ATTRS) === 0) this.#writeAttrs(entry)
    if (entry.type === 'link' || entry.type === 'symlink') out.string(entry.target)
    if (entry.type === 'character' || entry.type === 'block') {
      out.number(entry.major)
      out.number(entry.minor)
    }
    if (entry.type === 'file') this.#writeData(entry, (flags & WHOLE) !== 0)
    if ((flags & XATTRS) !== 0) this.#writeXattrs(entry.xattrs)
  }

  finish(): readonly Buffer[] {
    return this.#out.finish()
  }

  #flagsOf({ type, mode, uid, gid, mtime, size, xattrs, data }: TarEntry): number {
    const { mode: m, uid: u, gid: g, mtime: t } = this.#before
    const whole = data.length === 1 && data[0]!.at === 0 && data[0]!.size === size
    return (
      TYPES.indexOf(type) |
      (mode === m && uid === u && gid === g && mtime === t ? SAME_ATTRS : 0) |
      (xattrs.size > 0 ? XATTRS : 0) |
      (whole ? WHOLE : 0) |
      (mtime < 0 ? BEFORE_1970 : 0)
    )
  }

  #writePath(path: ByteString): void {
    const { path: before } = this.#before
    let shared = 0
    while (shared < path.length && path.charCodeAt(shared) === before.charCodeAt(shared)) shared++
    this.#out.number(shared)
    this.#out.string(path.slice(shared))
    this.#before.path = path
  }

  #writeAttrs({ mode, uid, gid, mtime }: TarEntry): void {
    for (const value of [mode, uid, gid, Math.abs(mtime)]) this.#out.number(value)
    Object.assign(this.#before, { mode, uid, gid, mtime })
  }

  #writeData({ size, data }: TarEntry, whole: boolean): void {
    const out = this.#out
    out.number(size)
    if (!whole) out.number(data.length)
    for (const extent of data) {
      out.number(extent.offset - this.#before.end)
      if (!whole) out.number(extent.at)
      if (!whole) out.number(extent.size)
      this.#before.end = extent.offset + extent.size
    }
  }

  #writeXattrs(xattrs: TarEntry['xattrs']): void {
    this.#out.number(xattrs.size)
    for (const [name, value] of xattrs) {
      this.#out.string(name)
      this.#out.bytes(value)
    }
  }
}

/** The members that an EntryWriter wrote, made one by one, each time anew. Its bytes must be whole: nothing is checked. */
export class EntryReader implements Iterable<TarEntry> {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  *[Symbol.iterator](): Generator<TarEntry> {
    const from = new ByteReader(this.#bytes)
    const before = first()
    while (!from.atEnd) yield readEntry(from, before)
  }

  /** The targets of its hard links, in their order; no member is made for them. */
  linkTargets(): readonly ByteString[] {
    const from = new ByteReader(this.#bytes)
    const targets: ByteString[] = []
    while (!from.atEnd) skipEntry(from, targets)
    return targets
  }
}

/** Goes past a member as `readEntry` reads it; notes where it leads if it is a hard link. */
function skipEntry(from: ByteReader, targets: ByteString[]): void {
  const flags = from.number()
  const type = TYPES[flags & TYPE_MASK]!
  from.number()
  from.skip()
  if ((flags & SAME_ATTRS) === 0) skipNumbers(from, 4)
  if (type === 'link') targets.push(from.string())
  else if (type === 'symlink') from.skip()
  else if (type === 'character' || type === 'block') skipNumbers(from, 2)
  else if (type === 'file') {
    from.number()
    skipNumbers(from, (flags & WHOLE) !== 0 ? 1 : 3 * from.number())
  }
  if ((flags & XATTRS) !== 0) for (let left = 2 * from.number(); left > 0; left--) from.skip()
}

function skipNumbers(from: ByteReader, count: number): void {
  for (let left = count; left > 0; left--) from.number()
}

function readEntry(from: ByteReader, before: Before): TarEntry {
  const flags = from.number()
  const type = TYPES[flags & TYPE_MASK]!
  const shared = from.number()
  before.path = before.path.slice(0, shared) + from.string()
  if ((flags & SAME_ATTRS) === 0) readAttrs(from, before, flags)
  const { path, mode, uid, gid, mtime } = before
  const target = type === 'link' || type === 'symlink' ? from.string() : ''
  const isDevice = type === 'character' || type === 'block'
  const major = isDevice ? from.number() : 0
  const minor = isDevice ? from.number() : 0
  const size = type === 'file' ? from.number() : 0
  const data = type === 'file' ? readData(from, before, size, (flags & WHOLE) !== 0) : NO_DATA
  const xattrs = (flags & XATTRS) === 0 ? NO_XATTRS : readXattrs(from)
  return { path, type, mode, uid, gid, mtime, size, target, major, minor, xattrs, data }
}

function readAttrs(from: ByteReader, before: Before, flags: number): void {
  before.mode = from.number()
  before.uid = from.number()
  before.gid = from.number()
  const seconds = from.number()
  before.mtime = (flags & BEFORE_1970) === 0 ? seconds : -seconds
}

function readData(from: ByteReader, before: Before, size: number, whole: boolean): readonly DataExtent[] {
  const count = whole ? 1 : from.number()
  if (count === 0) return NO_DATA
  const data: DataExtent[] = []
  for (let i = 0; i < count; i++) {
    const offset = before.end + from.number()
    const extent = whole ? { at: 0, offset, size } : { at: from.number(), offset, size: from.number() }
    before.end = offset + extent.size
    data.push(extent)
  }
  return data
}

function readXattrs(from: ByteReader): TarEntry['xattrs'] {
  const xattrs = new Map<ByteString, Uint8Array>()
  for (let left = from.number(); left > 0; left--) xattrs.set(from.string(), from.bytes())
  return xattrs
}
