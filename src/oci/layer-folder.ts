import { OcibakeError } from '../errors.ts'
import { type ByteString, display, fromBytes, toBytes } from './name.ts'
import {
  type Attrs,
  type Directory,
  directory,
  FRESH_DIRECTORY,
  type Leaf,
  type Link,
  type Node,
  WHITEOUT,
} from './node.ts'
import { namesOf } from './tree-paths.ts'

/** Linux's limits: NAME_MAX, and PATH_MAX without its NUL. What is longer can be unpacked nowhere. */
const NAME_LIMIT = 255
const PATH_LIMIT = 4095
/** How many symlinks the way to a member may have: path_resolution(7). */
const HOP_LIMIT = 40

/** A directory of a layer while the layer is being read: the one mutable stage of a tree. */
export class Folder {
  readonly name: ByteString
  readonly parent: Folder | undefined
  /** Bytes of the path from the root. */
  readonly pathLength: number
  attrs: Attrs | null = null
  opaque = false
  readonly children = new Map<ByteString, Folder | Leaf | Link>()
  #whiteouts: Set<ByteString> | undefined

  constructor(name: ByteString, parent: Folder | undefined) {
    this.name = name
    this.parent = parent
    this.pathLength = parent === undefined ? 0 : parent.#lengthWith(name)
  }

  get path(): ByteString {
    const names: ByteString[] = []
    for (let at: Folder = this; at.parent !== undefined; at = at.parent) names.push(at.name)
    return names.reverse().join('/')
  }

  /**
   * Puts a node under a name; what this layer had there is gone.
   * @throws LAYER_INVALID for names and paths longer than Linux has
   */
  put(name: ByteString, node: Leaf | Link): void {
    this.children.set(this.#checked(name), node)
  }

  /**
   * The folder of that name: the one that is there, else a new one without attributes. In the place of something else
   * it is opaque, because that something hid what lower layers have below the name.
   * @throws LAYER_INVALID for names and paths longer than Linux has
   */
  folder(name: ByteString): Folder {
    const there = this.children.get(name)
    if (there instanceof Folder) return there
    const kept = this.#checked(name)
    const made = new Folder(kept, this)
    made.opaque = there !== undefined
    this.children.set(kept, made)
    return made
  }

  /**
   * Notes a whiteout of the name. A child of that name may exist as well, before or after.
   * @throws LAYER_INVALID for names and paths longer than Linux has
   */
  hide(name: ByteString): void {
    this.#whiteouts ??= new Set()
    this.#whiteouts.add(this.#checked(name))
  }

  get whiteouts(): Iterable<ByteString> {
    return this.#whiteouts ?? []
  }

  #checked(name: ByteString): ByteString {
    if (name.length > NAME_LIMIT) throw tooLong(`the name '${display(name.slice(0, 40))}…'`, name.length, NAME_LIMIT)
    const length = this.#lengthWith(name)
    if (length > PATH_LIMIT) throw tooLong(`a path that ends in '${display(name)}'`, length, PATH_LIMIT)
    return compact(name)
  }

  #lengthWith(name: ByteString): number {
    return this.pathLength + (this.pathLength === 0 ? 0 : 1) + name.length
  }
}

function tooLong(what: string, length: number, limit: number): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `The layer has ${what} of ${length} bytes; Linux has at most ${limit}.`)
}

/** A part of a longer string keeps all of that string alive in V8; a layer has half a million names. */
function compact(name: ByteString): ByteString {
  return name.length < 13 ? name : fromBytes(toBytes(name))
}

/** Where a path leads: the last folder that this layer has, and the names behind it that it does not have. */
export interface Spot {
  readonly folder: Folder
  readonly missing: readonly ByteString[]
}

/**
 * Follows a path of directories inside `root`, symlinks of this layer included, as in a chroot: an absolute target
 * starts at the root, '..' of the root is the root.
 * @throws LAYER_INVALID when the way leads through a file, device or hard link, or through more than 40 symlinks
 */
export function locate(root: Folder, names: readonly ByteString[]): Spot {
  const todo = names.toReversed()
  const missing: ByteString[] = []
  let folder = root
  for (let hops = 0; todo.length > 0; ) {
    const name = todo.pop()!
    if (name === '..') {
      if (missing.pop() === undefined) folder = folder.parent ?? folder
      continue
    }
    const child = missing.length === 0 ? folder.children.get(name) : undefined
    if (child === undefined) missing.push(name)
    else if (child instanceof Folder) folder = child
    else if (child.kind === 'symlink') {
      if (++hops > HOP_LIMIT) throw blocked(names, `more than ${HOP_LIMIT} symlinks are on the way`)
      if (child.target.startsWith('/')) folder = root
      for (const step of namesOf(child.target).reverse()) todo.push(step)
    } else {
      throw blocked(names, `'${display(name)}' on the way is no directory`)
    }
  }
  return { folder, missing }
}

function blocked(names: readonly ByteString[], why: string): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `The layer has something in /${display(names.join('/'))}, but ${why}.`)
}

/** The folder at a spot, made where it is missing: implied, so that lower layers' attributes stay. */
export function folderAt({ folder, missing }: Spot): Folder {
  return missing.reduce((at, name) => at.folder(name), folder)
}

/** The finished directory; the folders are used up by it. Linear, and no recursion: depth costs no stack. */
export function finishFolder(root: Folder): Directory {
  const parentsFirst: Folder[] = [root]
  for (const folder of parentsFirst) {
    for (const name of folder.whiteouts) makeOpaque(folder.children.get(name))
    for (const child of folder.children.values()) if (child instanceof Folder) parentsFirst.push(child)
  }
  const finished = new Map<Folder, Directory>()
  for (const folder of parentsFirst.reverse()) {
    // Changed in place: another Map for each folder would double what a layer of half a million names takes.
    const children = folder.children as Map<ByteString, Folder | Node>
    for (const [name, child] of children) if (child instanceof Folder) children.set(name, finished.get(child)!)
    for (const name of folder.whiteouts) if (!children.has(name)) children.set(name, WHITEOUT)
    finished.set(folder, directory(children as Map<ByteString, Node>, folder.attrs, folder.opaque))
  }
  return finished.get(root)!
}

/**
 * A whiteout takes away what is below, wherever it stands in the archive. A file of the same name does that by itself;
 * a directory must be opaque for it, and must not be implied: that would keep attributes, or follow a symlink, of below.
 */
function makeOpaque(child: Folder | Leaf | Link | undefined): void {
  if (!(child instanceof Folder)) return
  child.opaque = true
  child.attrs ??= FRESH_DIRECTORY
}
