import { isUnseen } from '../oci/late-children.ts'
import type { ByteString } from '../oci/name.ts'
import { type Attrs, type Directory, directory, type Leaf, type Node, type Tree } from '../oci/node.ts'
import { namesOf } from '../oci/tree-paths.ts'

/** The tree without the node at `path`, symlinks not followed; the same tree when there is none. */
export function without(tree: Tree, path: ByteString): Tree {
  const names = namesOf(path)
  const remove = (node: Node | undefined, depth: number): Node | undefined => {
    if (node?.kind !== 'directory') return node
    const name = names[depth]!
    const old = node.children.get(name)
    if (old === undefined) return node
    const now = depth === names.length - 1 ? undefined : remove(old, depth + 1)
    if (now === old) return node
    const children = new Map(node.children)
    if (now === undefined) children.delete(name)
    else children.set(name, now)
    return directory(children, node.attrs)
  }
  return names.length === 0 ? tree : (remove(tree, 0) as Tree)
}

/** What an edit makes of one node's attributes; the same object means "as it was". */
export type ChangeAttrs = (attrs: Attrs, node: Node) => Attrs

/**
 * The tree with the attributes of the nodes at `paths` changed, and of all below them when `recursive`. A file with
 * several names changes under all of them, wherever they are: the names share one inode. No symlink is followed.
 */
export function changeAttrs(tree: Tree, paths: readonly ByteString[], recursive: boolean, change: ChangeAttrs): Tree {
  const leaves = new Map<Leaf, Leaf>()
  const changed = <N extends Node>(node: N): N => {
    if (!('attrs' in node) || node.attrs === null) return node
    const attrs = change(node.attrs, node)
    return attrs === node.attrs ? node : { ...node, attrs }
  }
  const subtree = (node: Node): Node => {
    if (node.kind === 'directory') {
      const top = changed(node)
      return recursive ? withChildren(top, subtree) : top
    }
    if (node.kind === 'link' || node.kind === 'whiteout') return node
    const known = leaves.get(node)
    if (known !== undefined) return known
    const now = changed(node)
    leaves.set(node, now)
    return now
  }
  const edited = paths.reduce<Tree>((now, path) => replaceAt(now, namesOf(path), subtree) as Tree, tree)
  return replaceLeaves(edited, leaves)
}

function replaceAt(node: Node, names: readonly ByteString[], replace: (node: Node) => Node): Node {
  const [name, ...rest] = names
  if (name === undefined) return replace(node)
  const child = node.kind === 'directory' ? node.children.get(name) : undefined
  if (node.kind !== 'directory' || child === undefined) return node
  const now = replaceAt(child, rest, replace)
  return now === child ? node : { ...node, children: new Map(node.children).set(name, now) }
}

/** Every other name of a changed leaf gets the new leaf too. */
function replaceLeaves(tree: Tree, leaves: ReadonlyMap<Leaf, Leaf>): Tree {
  const now = (leaf: Node) => leaves.get(leaf as Leaf) ?? leaf
  // Few files have names elsewhere, and looking makes nothing.
  const isAbove = (folder: Directory): boolean => {
    if (isUnseen(folder)) return false
    for (const node of folder.children.values()) {
      if (node.kind === 'directory' ? isAbove(node) : now(node) !== node) return true
    }
    return false
  }
  const visit = (node: Node): Node => {
    if (node.kind !== 'directory') return now(node)
    return isUnseen(node) ? node : withChildren(node, visit)
  }
  return isAbove(tree) ? (visit(tree) as Tree) : tree
}

function withChildren<N extends Node>(node: N, replace: (child: Node) => Node): N {
  if (node.kind !== 'directory') return node
  const children = new Map<ByteString, Node>()
  let isSame = true
  for (const [name, child] of node.children) {
    const now = replace(child)
    if (now !== child) isSame = false
    children.set(name, now)
  }
  return isSame ? node : { ...node, children }
}
