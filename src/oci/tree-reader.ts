import { ByteReader } from './byte-reader.ts'
import { type Content, EMPTY_CONTENT, Slice, type SliceFile } from './content.ts'
import { LateChildren } from './late-children.ts'
import type { ByteString } from './name.ts'
import {
  type Attrs,
  type Directory,
  directory,
  FRESH_DIRECTORY,
  type Leaf,
  type Link,
  NO_XATTRS,
  type Node,
  WHITEOUT,
} from './node.ts'
import { SparseContent } from './sparse-content.ts'
import type { DataExtent } from './tar-entry.ts'
import {
  BACKWARDS,
  BEFORE_1970,
  HAS_BYTES,
  HAS_LINKS,
  IS_APPLIED,
  IS_TOGETHER,
  KIND_MASK,
  KINDS,
  NO_ATTRS,
  OPAQUE,
  PLACE,
  SAME_ATTRS,
  SHARED,
  UNDESCRIBED,
  WHOLE,
  XATTRS,
} from './tree-codec.ts'

/**
 * The tree that `writeTree` wrote; folders are read when somebody looks into them. `file` is the raw tar. The bytes must be
 * whole, and must not change: nothing is checked.
 */
export function readTree(bytes: Buffer, file: SliceFile): Directory {
  return new TreeReader(bytes, file).root()
}

/** Of the node before in its folder. */
interface Before {
  attrs: Attrs | undefined
  /** Where its data ended. */
  end: number
}

class TreeReader {
  readonly #bytes: Buffer
  readonly #file: SliceFile
  readonly #attrs = new Map<number, Attrs>()
  /** Leaves with several names, by their numbers. */
  readonly #shared = new Map<number, Leaf>()

  constructor(bytes: Buffer, file: SliceFile) {
    this.#bytes = bytes
    this.#file = file
  }

  root(): Directory {
    const from = new ByteReader(this.#bytes, this.#bytes.readUIntLE(this.#bytes.length - PLACE, PLACE))
    const flags = from.number()
    from.number()
    return this.#node(from, flags, { attrs: undefined, end: 0 }) as Directory
  }

  #children(place: number): ReadonlyMap<ByteString, Node> {
    const from = new ByteReader(this.#bytes, place)
    const before: Before = { attrs: undefined, end: 0 }
    const children = new Map<ByteString, Node>()
    let left = from.number()
    // All at once: strings cost most of the time that it takes to read a folder.
    const names = from.string()
    for (let at = 0; left > 0; left--) {
      const flags = from.number()
      const name = names.slice(at, at + from.number())
      at += name.length
      children.set(name, this.#node(from, flags, before))
    }
    return children
  }

  #node(from: ByteReader, flags: number, before: Before): Node {
    if ((flags & SAME_ATTRS) === 0) before.attrs = (flags & NO_ATTRS) === 0 ? this.#attrsAt(from.number()) : undefined
    const { attrs } = before
    const kind = KINDS[flags & KIND_MASK]!
    switch (kind) {
      case 'directory':
        return directory(this.#late(from, flags), attrs ?? null, (flags & OPAQUE) !== 0)
      case 'whiteout':
        return WHITEOUT
      case 'link':
        return linkTo(from.string(), attrs)
      default: {
        const leaf = this.#leaf(from, kind, flags, before)
        return (flags & SHARED) === 0 ? leaf : this.#one(from.number(), leaf)
      }
    }
  }

  #late(from: ByteReader, flags: number): LateChildren {
    const place = from.number()
    const facts = {
      isApplied: (flags & IS_APPLIED) !== 0,
      hasLinks: (flags & HAS_LINKS) !== 0,
      hasBytes: (flags & HAS_BYTES) !== 0,
      stretch: (flags & IS_TOGETHER) === 0 ? undefined : { offset: from.number(), size: from.number() },
    }
    return new LateChildren(facts, this.#file, () => this.#children(place))
  }

  #leaf(
    from: ByteReader,
    kind: 'file' | 'symlink' | 'character' | 'block' | 'fifo',
    flags: number,
    before: Before,
  ): Leaf {
    const attrs = before.attrs!
    if (kind === 'file') return { kind, attrs, content: this.#content(from, flags, before) }
    if (kind === 'symlink') return { kind, attrs, target: from.string() }
    if (kind === 'fifo') return { kind: 'special', attrs, type: kind, major: 0, minor: 0 }
    return { kind: 'special', attrs, type: kind, major: from.number(), minor: from.number() }
  }

  #content(from: ByteReader, flags: number, before: Before): Content {
    const size = from.number()
    if (size === 0) return EMPTY_CONTENT
    if ((flags & WHOLE) !== 0) {
      const offset = offsetOf(from, flags, before)
      before.end = offset + size
      return new Slice(this.#file, offset, size)
    }
    const extents: DataExtent[] = []
    for (let left = from.number(); left > 0; left--) {
      const offset = offsetOf(from, extents.length === 0 ? flags : 0, before)
      const extent = { at: from.number(), offset, size: from.number() }
      before.end = extent.offset + extent.size
      extents.push(extent)
    }
    return new SparseContent(this.#file, size, extents)
  }

  /** The same object for all its names, whichever of them is read first. */
  #one(number: number, leaf: Leaf): Leaf {
    const first = this.#shared.get(number) ?? leaf
    this.#shared.set(number, first)
    return first
  }

  #attrsAt(place: number): Attrs {
    let attrs = this.#attrs.get(place)
    if (attrs === undefined) {
      attrs = attrsIn(new ByteReader(this.#bytes, place))
      this.#attrs.set(place, attrs)
    }
    return attrs
  }
}

function linkTo(target: ByteString, attrs: Attrs | undefined): Link {
  return attrs === undefined ? { kind: 'link', target } : { kind: 'link', target, attrs }
}

function offsetOf(from: ByteReader, flags: number, { end }: Before): number {
  const step = from.number()
  return (flags & BACKWARDS) === 0 ? end + step : end - step
}

function attrsIn(from: ByteReader): Attrs {
  const flags = from.number()
  if ((flags & UNDESCRIBED) !== 0) return FRESH_DIRECTORY
  const [mode, uid, gid, seconds] = [from.number(), from.number(), from.number(), from.number()]
  const mtime = (flags & BEFORE_1970) === 0 ? seconds : -seconds
  if ((flags & XATTRS) === 0) return { mode, uid, gid, mtime, xattrs: NO_XATTRS }
  const xattrs = new Map<ByteString, Uint8Array>()
  for (let left = from.number(); left > 0; left--) xattrs.set(from.string(), from.bytes())
  return { mode, uid, gid, mtime, xattrs }
}
