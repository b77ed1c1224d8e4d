import { sameContent } from '../oci/diff.ts'
import type { ByteString } from '../oci/name.ts'
import { type Directory, type Leaf, type Node, sameXattrs, type Tree } from '../oci/node.ts'
import { sortedNames } from '../oci/walk.ts'
import { settableXattrs } from './host-attributes.ts'
import type { ReadRoot } from './read-back.ts'
import type { OnDisk, RootChange } from './root-change.ts'
import type { RootEntry } from './root-entries.ts'
import { modeOf, timeOnDisk } from './root-records.ts'
import type { Found } from './survey-root.ts'

/** What is made in a folder that has this gets access lists that nobody asked for. */
const INHERITED = 'system.posix_acl_default'

/**
 * What has to be done to the files of a root that was read back so that it is what laying out `wanted` anew would give:
 * contents, hard links, attributes, and times down to the nanosecond. undefined when that cannot be done in place.
 */
export function rootDifference(read: ReadRoot, wanted: Tree, onDisk: OnDisk): RootChange[] | undefined {
  const difference = new RootDifference(read, wanted, onDisk)
  return difference.isPossible ? difference.changes : undefined
}

/** A path that is on the disk and in the wanted tree. */
interface Pair {
  readonly found: Found
  /** What `found` was read as. */
  readonly was: Node
  readonly node: Node
}

class RootDifference {
  readonly #names: RootChange[] = []
  isPossible = true
  readonly #onDisk: OnDisk
  /** Where a wanted leaf is, or will be when the changes so far are done. */
  readonly #places = new Map<Leaf, ByteString>()
  /** Which inode a wanted leaf keeps, and what each of them is kept for: hard links are one of each. */
  readonly #inodes = new Map<Leaf, string>()
  readonly #kept = new Map<string, Leaf>()
  readonly #attributes: RootChange[] = []
  readonly #xattrs: RootChange[] = []

  constructor({ found, tree }: ReadRoot, wanted: Tree, onDisk: OnDisk) {
    this.#onDisk = onDisk
    const pair = { found, was: tree, node: wanted }
    // What did not change at all comes first; then what only got other attributes may take what is left.
    this.#claim(pair, (was, leaf) => was === leaf)
    this.#claim(pair, isSameFile)
    this.#folder(pair)
  }

  get changes(): RootChange[] {
    return [...this.#names, ...this.#attributes, ...this.#xattrs]
  }

  #claim(pair: Pair, isReusable: (was: Node, leaf: Leaf) => boolean): void {
    for (const { found, was, node } of childPairs(pair)) {
      if (node.kind === 'directory') {
        if (found.kind === 'directory') this.#claim({ found, was, node }, isReusable)
        continue
      }
      const leaf = node as Leaf
      const { identity } = found.entry
      if (this.#inodes.has(leaf) || this.#kept.has(identity) || !isReusable(was, leaf)) continue
      this.#inodes.set(leaf, identity)
      this.#kept.set(identity, leaf)
      this.#places.set(leaf, found.path)
    }
  }

  #folder({ found, was, node }: Pair): void {
    const [folder, old, { path }] = [node as Directory, was as Directory, found]
    const lying = new Map(found.children!.map((child) => [child.name, child]))
    let isChanged = false
    for (const name of lying.keys()) {
      if (folder.children.has(name)) continue
      this.#names.push({ do: 'remove', path: below(path, name) })
      isChanged = true
    }
    for (const name of sortedNames(folder)) {
      const child = folder.children.get(name) as Directory | Leaf
      const lies = lying.get(name)
      if (lies?.kind === 'directory' && child.kind === 'directory') {
        this.#folder({ found: lies, was: old.children.get(name)!, node: child })
      } else if (this.#put(below(path, name), child, lies)) isChanged = true
    }
    const has = old.attrs!.xattrs
    if (isChanged && has.has(INHERITED)) this.isPossible = false
    for (const name of has.keys()) if (!folder.attrs!.xattrs.has(name)) this.isPossible = false
    if (isChanged || !sameXattrs(has, folder.attrs!.xattrs) || !this.#isAsWanted(found, folder)) {
      this.#setAttributes(path, folder)
    }
  }

  /** Whether something else is there then. */
  #put(path: ByteString, node: Directory | Leaf, lies: Found | undefined): boolean {
    if (node.kind !== 'directory' && lies !== undefined && this.#kept.get(lies.entry.identity) === node) {
      const isFirst = this.#places.get(node) === path
      if (isFirst && !this.#isAsWanted(lies, node)) this.#setAttributes(path, node)
      return false
    }
    if (lies !== undefined) this.#names.push({ do: 'remove', path })
    this.#make(path, node)
    return true
  }

  #make(path: ByteString, node: Directory | Leaf): void {
    const existing = node.kind === 'directory' ? undefined : this.#places.get(node)
    if (existing !== undefined) {
      this.#names.push({ do: 'link', path, existing })
      return
    }
    this.#names.push({ do: 'make', path, node })
    if (node.kind !== 'directory') {
      this.#places.set(node, path)
      this.#xattrs.push(...settableXattrs(path, node, this.#onDisk.owners))
      return
    }
    for (const name of sortedNames(node)) this.#make(below(path, name), node.children.get(name) as Directory | Leaf)
    this.#setAttributes(path, node)
  }

  /** Attributes that the kernel takes away or changes on the way are set again. */
  #setAttributes(path: ByteString, node: Directory | Leaf): void {
    this.#attributes.push({ do: 'attrs', path, node })
    this.#xattrs.push(...settableXattrs(path, node, this.#onDisk.owners))
  }

  /** What was looked into since it was surveyed has another time of access by now. */
  #isAsWanted({ entry, isTouched }: Found, node: Directory | Leaf): boolean {
    return !isTouched && isAsOnDisk(entry, node, this.#onDisk)
  }
}

/** Whether an entry has the attributes that laying out `node` gives. */
function isAsOnDisk(entry: RootEntry, node: Directory | Leaf, onDisk: OnDisk): boolean {
  const { uid, gid } = node.attrs!
  const time = BigInt(timeOnDisk(node.attrs!, onDisk)) * 1_000_000_000n
  if (entry.modified !== time || entry.accessed !== time) return false
  if (onDisk.owners === 'real' && (entry.uid !== uid || entry.gid !== gid)) return false
  return node.kind === 'symlink' || (entry.mode & 0o7777) === modeOf(node, onDisk)
}

/** Whether only mode, owner and time of a file changed. */
function isSameFile(was: Node, leaf: Leaf): boolean {
  if (was.kind !== 'file' || leaf.kind !== 'file') return false
  return sameContent(was.content, leaf.content) && sameXattrs(was.attrs.xattrs, leaf.attrs.xattrs)
}

function* childPairs({ found, was, node }: Pair): Generator<Pair> {
  for (const child of found.children ?? []) {
    const [before, wanted] = [(was as Directory).children.get(child.name), (node as Directory).children.get(child.name)]
    if (before !== undefined && wanted !== undefined) yield { found: child, was: before, node: wanted }
  }
}

const below = (folder: ByteString, name: ByteString) => (folder === '' ? name : `${folder}/${name}`)
