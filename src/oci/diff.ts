import type { Content } from './content.ts'
import { Slice } from './content.ts'
import type { ByteString } from './name.ts'
import { type Directory, directory, type Node, sameAttrs, type Tree, WHITEOUT } from './node.ts'
import { hardLinks } from './walk.ts'

/**
 * The smallest layer that turns `from` into `to`: `apply(from, diff(from, to))` equals `to`, hard links included.
 * An empty layer (no children, no attrs) when nothing differs. Every parent in it carries its full attributes.
 * Files are compared by object, slice or digest, never by reading them: two contents that cannot be told equal that
 * way count as different.
 */
export function diff(from: Tree, to: Tree): Directory {
  if (from === to) return directory()
  // A whole tree is the layer that makes it: nothing is copied.
  if (from.children.size === 0) return to.children.size === 0 && sameAttrs(from.attrs, to.attrs) ? directory() : to
  return between(from, to, '', movedLinks(from, to)) ?? directory()
}

/** True when the layer would change nothing. */
export function isEmptyLayer(layer: Directory): boolean {
  return layer.attrs === null && !layer.opaque && layer.children.size === 0
}

/** Whether two trees are the same filesystem, hard links included. */
export function sameTree(a: Tree, b: Tree): boolean {
  return isEmptyLayer(diff(a, b)) && isEmptyLayer(diff(b, a))
}

function between(from: Node | undefined, to: Directory, path: ByteString, forced: Forced): Directory | undefined {
  if (from === to && !forced.below(path)) return undefined
  const lower = from?.kind === 'directory' ? from : undefined
  if (lower === undefined) return to
  const children = new Map<ByteString, Node>()
  for (const name of lower.children.keys()) if (!to.children.has(name)) children.set(name, WHITEOUT)
  for (const [name, node] of to.children) {
    const [old, at] = [lower.children.get(name), path === '' ? name : `${path}/${name}`]
    // Paths lead through 2047 folders: one call for each is what the stack has room for.
    const change = node.kind === 'directory' ? between(old, node, at, forced) : changed(old, node, at, forced)
    if (change !== undefined) children.set(name, change)
  }
  if (children.size === 0 && sameAttrs(lower.attrs!, to.attrs!)) return undefined
  return directory(children, to.attrs)
}

function changed(from: Node | undefined, to: Node, path: ByteString, forced: Forced): Node | undefined {
  return !forced.has(path) && sameLeaf(from, to) ? undefined : to
}

/** Whether two leaves look the same to a container: kind, attributes, and what they hold. */
export function sameLeaf(a: Node | undefined, b: Node): boolean {
  if (a === b) return true
  switch (b.kind) {
    case 'file':
      return a?.kind === 'file' && sameAttrs(a.attrs, b.attrs) && sameContent(a.content, b.content)
    case 'symlink':
      return a?.kind === 'symlink' && sameAttrs(a.attrs, b.attrs) && a.target === b.target
    case 'special':
      return a?.kind === 'special' && sameAttrs(a.attrs, b.attrs) && sameDevice(a, b)
    default:
      return false
  }
}

function sameDevice(a: { type: string; major: number; minor: number }, b: typeof a): boolean {
  return a.type === b.type && a.major === b.major && a.minor === b.minor
}

/** Whether two contents can be told to have the same bytes without reading them. */
export function sameContent(a: Content, b: Content): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  if (a.size === 0) return true
  if (a.digest !== undefined && a.digest === b.digest) return true
  return a instanceof Slice && b instanceof Slice && a.file.path === b.file.path && a.offset === b.offset
}

/** Paths that have to be shipped though their bytes did not change, and the directories on the way to them. */
class Forced {
  readonly #paths = new Set<ByteString>()
  readonly #parents = new Set<ByteString>()

  add(path: ByteString): void {
    this.#paths.add(path)
    for (let at = path.lastIndexOf('/'); at >= 0; at = path.lastIndexOf('/', at - 1)) {
      const parent = path.slice(0, at)
      if (this.#parents.has(parent)) return
      this.#parents.add(parent)
      if (at === 0) break
    }
    this.#parents.add('')
  }

  has(path: ByteString): boolean {
    return this.#paths.has(path)
  }

  below(path: ByteString): boolean {
    return this.#parents.has(path)
  }
}

/**
 * A layer can only link names that it holds itself, so where a group of hard links is another than it was, all of its
 * names are shipped: those it has now (as one file) and those that left it (as files of their own).
 */
function movedLinks(from: Tree, to: Tree): Forced {
  const forced = new Forced()
  // What is the same under every name is in the same group as before.
  const moved = movedLeaves(from, to)
  const before = groups(from, moved)
  const after = groups(to, moved)
  for (const [key, paths] of after) if (!before.has(key)) add(paths)
  for (const [key, paths] of before) if (!after.has(key)) add(paths)
  return forced

  function add(paths: readonly ByteString[]): void {
    for (const path of paths) forced.add(path)
  }
}

/** The leaves of both trees that are not at every path where they are in the other. */
function movedLeaves(from: Tree, to: Tree): ReadonlySet<Node> {
  const moved = new Set<Node>()
  const folders: [old: Directory | undefined, now: Directory | undefined][] = [[from, to]]
  for (let top = folders.pop(); top !== undefined; top = folders.pop()) {
    const [old, now] = top
    now?.children.forEach((node, name) => {
      const before = old?.children.get(name)
      if (before !== node) compare(before, node)
    })
    old?.children.forEach((node, name) => {
      if (now?.children.has(name) !== true) compare(node, undefined)
    })
  }
  return moved

  function compare(old: Node | undefined, now: Node | undefined): void {
    const [above, below] = [folderOr(old), folderOr(now)]
    if (above !== undefined || below !== undefined) folders.push([above, below])
  }

  function folderOr(node: Node | undefined): Directory | undefined {
    if (node?.kind === 'directory') return node
    if (node !== undefined) moved.add(node)
    return undefined
  }
}

/** Of these leaves those with several names: the paths of each, by a key that others have only if their paths are the same. */
function groups(tree: Tree, leaves: ReadonlySet<Node>): Map<string, readonly ByteString[]> {
  const found = new Map<string, readonly ByteString[]>()
  for (const paths of hardLinks(tree, leaves).values()) found.set(paths.join('\0'), paths)
  return found
}
