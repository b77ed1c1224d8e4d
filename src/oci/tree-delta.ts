import { OcibakeError } from '../errors.ts'
import { apply } from './apply.ts'
import { bytesContent, type Content } from './content.ts'
import type { ByteString } from './name.ts'
import { display, fromBytes, toBytes } from './name.ts'
import {
  type Attrs,
  type Directory,
  directory,
  type File,
  FRESH_DIRECTORY,
  type Leaf,
  type Node,
  type Tree,
  WHITEOUT,
} from './node.ts'
import { nodeAt } from './tree-paths.ts'
import { walk } from './walk.ts'

/** No xattr of a file can be called so: the kernel only has names in its own namespaces (xattr(7)). */
const SAME = 'ocibake.same'
const CONTENT = 'ocibake.content'
const NOTHING = bytesContent('')

/**
 * What turned `before` into `after`, as a layer that only `applyDelta` can read: it holds the bytes of new contents
 * alone, and names what `before` has already. Nodes and contents are compared as objects. `undefined` when such a
 * layer cannot say it, because a node has an attribute of a name that delta itself uses.
 */
export function treeDelta(before: Tree, after: Tree): Directory | undefined {
  const known = knownIn(before)
  const marks = new Map<Leaf, Leaf>()
  const markOf = (leaf: Leaf): Leaf => {
    const made = marks.get(leaf) ?? changedLeaf(leaf, known)
    marks.set(leaf, made)
    return made
  }
  const between = (from: Node | undefined, to: Directory): Directory | undefined => {
    if (from === to) return undefined
    const lower = from?.kind === 'directory' ? from : undefined
    const children = new Map<ByteString, Node>()
    for (const name of lower?.children.keys() ?? []) if (!to.children.has(name)) children.set(name, WHITEOUT)
    for (const [name, node] of to.children) {
      const old = lower?.children.get(name)
      if (old === node) continue
      const change = node.kind === 'directory' ? between(old, node) : markOf(node as Leaf)
      if (change !== undefined) children.set(name, change)
    }
    const attrs = lower?.attrs === to.attrs ? null : to.attrs
    return children.size === 0 && attrs === null ? undefined : directory(children, attrs)
  }
  const layer = between(before, after) ?? directory()
  for (const { attrs } of marks.keys()) if (attrs.xattrs.has(SAME) || attrs.xattrs.has(CONTENT)) return undefined
  return layer
}

/**
 * The tree that `treeDelta` was given as `after`: what it shared with `before` is the same object again.
 * @throws STORE_CORRUPT for a layer that is no delta of this tree
 */
export function applyDelta(before: Tree, layer: Directory): Tree {
  const made = new Map<Node, Node>()
  const resolve = (node: Node): Node => {
    if (node.kind === 'directory') {
      const children = new Map<ByteString, Node>()
      for (const [name, child] of node.children) children.set(name, resolve(child))
      return { ...node, children }
    }
    if (node.kind !== 'file' || node.attrs.xattrs.size === 0) return node
    const known = made.get(node) ?? meaningOf(node, before)
    made.set(node, known)
    return known
  }
  return apply(before, resolve(layer) as Directory)
}

interface Known {
  readonly leaves: ReadonlyMap<Leaf, ByteString>
  readonly contents: ReadonlyMap<Content, ByteString>
}

function knownIn(tree: Tree): Known {
  const leaves = new Map<Leaf, ByteString>()
  const contents = new Map<Content, ByteString>()
  for (const [path, node] of walk(tree)) {
    if (node.kind === 'directory' || node.kind === 'link' || node.kind === 'whiteout') continue
    leaves.set(node, path)
    if (node.kind === 'file' && node.content.size > 0) contents.set(node.content, path)
  }
  return { leaves, contents }
}

function changedLeaf(leaf: Leaf, { leaves, contents }: Known): Leaf {
  const same = leaves.get(leaf)
  if (same !== undefined) return marked(FRESH_DIRECTORY, SAME, same)
  const path = leaf.kind === 'file' ? contents.get(leaf.content) : undefined
  return path === undefined ? leaf : marked(leaf.attrs, CONTENT, path)
}

function marked(attrs: Attrs, name: ByteString, path: ByteString): File {
  const xattrs = new Map(attrs.xattrs).set(name, toBytes(path))
  return { kind: 'file', attrs: { ...attrs, xattrs }, content: NOTHING }
}

function meaningOf(file: File, before: Tree): Node {
  const same = file.attrs.xattrs.get(SAME)
  if (same !== undefined) return leafAt(before, fromBytes(same))
  const path = file.attrs.xattrs.get(CONTENT)
  if (path === undefined) return file
  const found = leafAt(before, fromBytes(path))
  if (found.kind !== 'file') throw foreign(fromBytes(path))
  const xattrs = new Map(file.attrs.xattrs)
  xattrs.delete(CONTENT)
  return { kind: 'file', attrs: { ...file.attrs, xattrs }, content: found.content }
}

function leafAt(tree: Tree, path: ByteString): Leaf {
  const node = nodeAt(tree, path)
  if (node?.kind === 'file' || node?.kind === 'symlink' || node?.kind === 'special') return node
  throw foreign(path)
}

function foreign(path: ByteString): OcibakeError {
  return new OcibakeError('STORE_CORRUPT', `A cached step keeps /${display(path)}, which the image does not have.`, {
    hint: 'Build again with --no-cache.',
  })
}
