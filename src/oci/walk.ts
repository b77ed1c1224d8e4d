import { isUnseen } from './late-children.ts'
import type { ByteString } from './name.ts'
import type { Directory, Node } from './node.ts'

/** The names of a directory in the order of their bytes: the order of every layer that is written. */
export function sortedNames(directory: Directory): ByteString[] {
  return [...directory.children.keys()].sort()
}

/** Every node below `root` (itself left out) with its path, parents before children, names sorted. */
export function* walk(root: Directory): Generator<[path: ByteString, node: Node]> {
  for (const at = new Walk(root); at.next(); ) yield [at.path, at.node]
}

/**
 * As `walk`, for loops over half a million nodes: nothing is made for each but its path.
 * Iterates rather than recurses, so that depth costs no stack.
 */
export class Walk {
  /** Of the node at hand. */
  path: ByteString = ''
  node: Node
  readonly #above: Level[] = []
  readonly #skips: (folder: Directory) => boolean
  #level: Level
  /** The node at hand, when it is to be gone into. */
  #into: Directory | undefined

  /**
   * @param skips which folders are not looked into; default: none
   * @param path that of the root, which those below it begin with
   */
  constructor(root: Directory, skips: (folder: Directory) => boolean = () => false, path: ByteString = '') {
    this.node = root
    this.#skips = skips
    this.#level = levelOf(root, path === '' ? '' : `${path}/`)
  }

  /** Does not go into the folder at hand. */
  skip(): void {
    this.#into = undefined
  }

  /** Goes on to the next node, the first one at first; false when there is none. */
  next(): boolean {
    if (this.#into !== undefined) {
      this.#above.push(this.#level)
      this.#level = levelOf(this.#into, `${this.path}/`)
      this.#into = undefined
    }
    let level = this.#level
    while (level.at === level.names.length) {
      const above = this.#above.pop()
      if (above === undefined) return false
      level = this.#level = above
    }
    const name = level.names[level.at++]!
    const node = level.node.children.get(name)!
    this.path = level.prefix + name
    this.node = node
    if (node.kind === 'directory' && !this.#skips(node)) this.#into = node
    return true
  }
}

/** A directory of which some children have been gone through. */
interface Level {
  readonly prefix: ByteString
  readonly node: Directory
  readonly names: readonly ByteString[]
  at: number
}

function levelOf(node: Directory, prefix: ByteString): Level {
  return { prefix, node, names: sortedNames(node), at: 0 }
}

/**
 * The leaves that have more than one name (hard links), each with its paths in walk order.
 * @param among the only ones that are asked for; default: all
 */
export function hardLinks(root: Directory, among?: ReadonlySet<Node>): Map<Node, ByteString[]> {
  const links = new Map<Node, ByteString[]>()
  const shared = sharedLeaves(root, among)
  if (shared.size === 0) return links
  for (const at = new Walk(root, isUnseen); at.next(); ) {
    if (!shared.has(at.node)) continue
    const paths = links.get(at.node)
    if (paths === undefined) links.set(at.node, [at.path])
    else paths.push(at.path)
  }
  return links
}

/**
 * The leaves that have more than one name. In no order and without paths: most trees have few such leaves, and half a
 * million names are much to keep.
 * @param among as for `hardLinks`
 */
export function sharedLeaves(root: Directory, among?: ReadonlySet<Node>): Set<Node> {
  const seen = new Set<Node>()
  const shared = new Set<Node>()
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (isUnseen(folder)) continue
    folder.children.forEach((node) => {
      if (node.kind === 'directory') folders.push(node)
      else if (node.kind === 'whiteout' || node.kind === 'link') return
      else if (among !== undefined && !among.has(node)) return
      else if (seen.has(node)) shared.add(node)
      else seen.add(node)
    })
  }
  return shared
}
