import { ByteWriter } from './byte-writer.ts'
import { type Content, Slice } from './content.ts'
import type { FolderFacts, TarRange } from './late-children.ts'
import { type Attrs, type Directory, type File, FRESH_DIRECTORY, type Leaf, type Link, type Node } from './node.ts'
import { SparseContent } from './sparse-content.ts'
import type { DataExtent } from './tar-entry.ts'
import {
  BACKWARDS,
  BEFORE_1970,
  HAS_BYTES,
  HAS_LINKS,
  IS_APPLIED,
  IS_TOGETHER,
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
import { sharedLeaves } from './walk.ts'

/**
 * The tree of a layer as bytes, see tree-codec.ts. Its files are empty or slices of one raw tar. Depth costs no stack.
 * @param stretches of its folders: see `stretchesOf`
 */
export function writeTree(root: Directory, stretches: ReadonlyMap<Directory, TarRange> = new Map()): Buffer {
  const writer = new TreeWriter(sharedLeaves(root), stretches)
  const parentsFirst = [root]
  for (const folder of parentsFirst) {
    for (const node of folder.children.values()) if (node.kind === 'directory') parentsFirst.push(node)
  }
  for (const folder of parentsFirst.reverse()) writer.folder(folder)
  return writer.finish(root)
}

interface Written {
  /** Where its nodes are. */
  readonly place: number
  readonly facts: FolderFacts
}

class TreeWriter {
  readonly #out = new ByteWriter()
  readonly #attrs = new Map<Attrs, number>()
  readonly #folders = new Map<Directory, Written>()
  readonly #shared: ReadonlySet<Node>
  readonly #stretches: ReadonlyMap<Directory, TarRange>
  readonly #numbers = new Map<Node, number>()
  /** What the node before was in its folder. */
  #lastAttrs: number | undefined
  #lastEnd = 0

  constructor(shared: ReadonlySet<Node>, stretches: ReadonlyMap<Directory, TarRange>) {
    this.#shared = shared
    this.#stretches = stretches
  }

  /** Folders in it come before. */
  folder(folder: Directory): void {
    folder.children.forEach((node) => {
      this.#keepAttrs(node)
    })
    const place = this.#out.size
    this.#begin()
    this.#out.number(folder.children.size)
    this.#out.string([...folder.children.keys()].join(''))
    folder.children.forEach((node, name) => {
      this.#node(name, node)
    })
    this.#folders.set(folder, { place, facts: this.#factsOf(folder) })
  }

  finish(root: Directory): Buffer {
    this.#keepAttrs(root)
    this.#begin()
    const end = Buffer.alloc(PLACE)
    end.writeUIntLE(this.#out.size, 0, PLACE)
    this.#node('', root)
    return Buffer.concat([...this.#out.finish(), end])
  }

  #begin(): void {
    this.#lastAttrs = undefined
    this.#lastEnd = 0
  }

  #factsOf(folder: Directory): FolderFacts {
    let [isApplied, hasLinks, hasBytes] = [true, false, false]
    for (const node of folder.children.values()) {
      if (node.kind === 'directory') {
        const { facts } = this.#folders.get(node)!
        isApplied &&= facts.isApplied && node.attrs !== null && !node.opaque
        hasLinks ||= facts.hasLinks
        hasBytes ||= facts.hasBytes
      } else if (node.kind === 'whiteout' || node.kind === 'link') isApplied = false
      else {
        hasLinks ||= this.#shared.has(node)
        hasBytes ||= node.kind === 'file' && node.content.size > 0
      }
    }
    const stretch = isApplied && !hasLinks ? this.#stretches.get(folder) : undefined
    return { isApplied, hasLinks, hasBytes, stretch }
  }

  /** What nodes refer to stands before their folder. */
  #keepAttrs(node: Node): void {
    const attrs = attrsOf(node)
    if (attrs === undefined || this.#attrs.has(attrs)) return
    const out = this.#out
    this.#attrs.set(attrs, out.size)
    const { mode, uid, gid, mtime, xattrs } = attrs
    const isFresh = attrs === FRESH_DIRECTORY
    out.number((mtime < 0 ? BEFORE_1970 : 0) | (xattrs.size > 0 ? XATTRS : 0) | (isFresh ? UNDESCRIBED : 0))
    if (isFresh) return
    out.number(mode)
    out.number(uid)
    out.number(gid)
    out.number(Math.abs(mtime))
    if (xattrs.size === 0) return
    out.number(xattrs.size)
    for (const [name, value] of xattrs) {
      out.string(name)
      out.bytes(value)
    }
  }

  #node(name: string, node: Node): void {
    const out = this.#out
    const attrs = attrsOf(node)
    const place = attrs && this.#attrs.get(attrs)!
    const isSame = place !== undefined && place === this.#lastAttrs
    const flags = attrs === undefined ? NO_ATTRS : isSame ? SAME_ATTRS : 0
    const isShared = this.#shared.has(node)
    out.number(KINDS.indexOf(kindOf(node)) | flags | (isShared ? SHARED : 0) | this.#flagsOf(node))
    out.number(name.length)
    if (place !== undefined && !isSame) out.number(place)
    this.#lastAttrs = place
    if (node.kind === 'directory') this.#folder(this.#folders.get(node)!)
    else if (node.kind !== 'whiteout') this.#leaf(node)
    if (isShared) out.number(this.#numberOf(node))
  }

  #flagsOf(node: Node): number {
    if (node.kind === 'directory') {
      const { isApplied, hasLinks, hasBytes, stretch } = this.#folders.get(node)!.facts
      const facts = (isApplied ? IS_APPLIED : 0) | (hasLinks ? HAS_LINKS : 0) | (hasBytes ? HAS_BYTES : 0)
      return facts | (node.opaque ? OPAQUE : 0) | (stretch === undefined ? 0 : IS_TOGETHER)
    }
    if (node.kind !== 'file') return 0
    const { content } = node
    const offset = content instanceof Slice ? content.offset : extentsOf(content)[0]?.offset
    if (offset === undefined) return 0
    return (content instanceof Slice ? WHOLE : 0) | (offset < this.#lastEnd ? BACKWARDS : 0)
  }

  #folder({ place, facts: { stretch } }: Written): void {
    this.#out.number(place)
    if (stretch === undefined) return
    this.#out.number(stretch.offset)
    this.#out.number(stretch.size)
  }

  #leaf(node: Leaf | Link): void {
    if (node.kind === 'file') this.#file(node)
    else if (node.kind === 'special') {
      if (node.type === 'fifo') return
      this.#out.number(node.major)
      this.#out.number(node.minor)
    } else this.#out.string(node.target)
  }

  #file({ content }: File): void {
    const out = this.#out
    out.number(content.size)
    if (content.size === 0) return
    if (content instanceof Slice) {
      this.#data(content.offset, content.size)
      return
    }
    const extents = extentsOf(content)
    out.number(extents.length)
    for (const { at, offset, size } of extents) {
      this.#data(offset, size)
      out.number(at)
      out.number(size)
    }
  }

  #data(offset: number, size: number): void {
    this.#out.number(Math.abs(offset - this.#lastEnd))
    this.#lastEnd = offset + size
  }

  #numberOf(leaf: Node): number {
    const number = this.#numbers.get(leaf) ?? this.#numbers.size
    this.#numbers.set(leaf, number)
    return number
  }
}

function attrsOf(node: Node): Attrs | undefined {
  return 'attrs' in node ? (node.attrs ?? undefined) : undefined
}

function kindOf(node: Node): (typeof KINDS)[number] {
  return node.kind === 'special' ? node.type : node.kind
}

function extentsOf(content: Content): readonly DataExtent[] {
  return content instanceof SparseContent ? content.extents : []
}
