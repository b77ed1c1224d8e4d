import type { SliceFile } from './content.ts'
import type { ByteString } from './name.ts'
import type { Directory, Node } from './node.ts'

/** What is known of a folder, all below it included, before it is read. */
export interface FolderFacts {
  /** It is as in a tree to which all was applied: no whiteout, opaque mark, Link or implied folder. */
  readonly isApplied: boolean
  /** Some leaf has one more name, in it or elsewhere. */
  readonly hasLinks: boolean
  /** Some file is not empty. */
  readonly hasBytes: boolean
  /**
   * Where the raw tar has the members of all below, and nothing else, just as a layer has them behind the header that the
   * tar has of the folder itself. Only if it is applied and has no links.
   */
  readonly stretch?: TarRange | undefined
}

/** Bytes of a raw tar. */
export interface TarRange {
  readonly offset: number
  readonly size: number
}

/**
 * What is in a folder of a layer, read when somebody looks into it: many builds look into few folders of their base. As
 * immutable as any other: what was read once stays, and is the same objects for everybody.
 */
export class LateChildren implements ReadonlyMap<ByteString, Node> {
  readonly facts: FolderFacts
  /** The raw tar that all files below are slices of. */
  readonly archive: SliceFile
  #read: (() => ReadonlyMap<ByteString, Node>) | undefined
  #children: ReadonlyMap<ByteString, Node> | undefined

  /** @param read is called once at most, and has to give the same whenever that is */
  constructor(facts: FolderFacts, archive: SliceFile, read: () => ReadonlyMap<ByteString, Node>) {
    this.facts = facts
    this.archive = archive
    this.#read = read
  }

  get isRead(): boolean {
    return this.#children !== undefined
  }

  get #all(): ReadonlyMap<ByteString, Node> {
    if (this.#children !== undefined) return this.#children
    this.#children = this.#read!()
    this.#read = undefined
    return this.#children
  }

  get size(): number {
    return this.#all.size
  }

  get(name: ByteString): Node | undefined {
    return this.#all.get(name)
  }

  has(name: ByteString): boolean {
    return this.#all.has(name)
  }

  forEach(visit: (node: Node, name: ByteString, all: ReadonlyMap<ByteString, Node>) => void): void {
    for (const [name, node] of this.#all) visit(node, name, this)
  }

  entries(): MapIterator<[ByteString, Node]> {
    return this.#all.entries()
  }

  keys(): MapIterator<ByteString> {
    return this.#all.keys()
  }

  values(): MapIterator<Node> {
    return this.#all.values()
  }

  [Symbol.iterator](): MapIterator<[ByteString, Node]> {
    return this.#all.entries()
  }
}

/**
 * Whether nobody can have a leaf that is in the folder, at any depth: it was not read, and no leaf has a name elsewhere.
 * Who looks for leaves that he has need not look there.
 */
export function isUnseen({ children }: Directory): boolean {
  return children instanceof LateChildren && !children.isRead && !children.facts.hasLinks
}

/** Whether it is known without a look that nothing below the folder is a whiteout, opaque, a Link or implied. */
export function isKnownApplied({ children }: Directory): boolean {
  return children instanceof LateChildren && children.facts.isApplied
}

/** Whether none of these leaves, which have several names, is in the folder, at any depth. */
export function hasNoneOf(leaves: ReadonlySet<Node>, folder: Directory): boolean {
  const folders = leaves.size === 0 ? [] : [folder]
  for (let top = folders.pop(); top !== undefined; top = folders.pop()) {
    if (isUnseen(top)) continue
    for (const node of top.children.values()) {
      if (node.kind === 'directory') folders.push(node)
      else if (leaves.has(node)) return false
    }
  }
  return true
}
