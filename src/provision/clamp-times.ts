import type { ByteString } from '../oci/name.ts'
import type { Attrs, Directory, Leaf, Node, Tree } from '../oci/node.ts'
import { directory, FRESH_DIRECTORY } from '../oci/node.ts'
import { keptLeaves } from './kept-leaves.ts'
import type { NormaliseContext } from './normaliser.ts'

/**
 * The tree in which nothing that the steps made or changed is newer than `created`. Attributes that are the base's
 * own object stay, so that an untouched base layer is never shipped again for its times.
 */
export function clampTimes(tree: Tree, { base, created }: NormaliseContext): Tree {
  const kept = keptLeaves(tree, base, newerLeaves(tree, base, created))
  const leaves = new Map<Leaf, Leaf>()
  const visit = (node: Node, old: Node | undefined): Node => {
    if (node === old || node.kind === 'whiteout' || node.kind === 'link') return node
    if (node.kind !== 'directory') return kept.has(node) ? node : clampLeaf(node)
    const before = old?.kind === 'directory' ? old : undefined
    const attrs = node.attrs === before?.attrs ? node.attrs : clamp(node.attrs!, created)
    let children: Map<ByteString, Node> | undefined
    for (const [name, child] of node.children) {
      const now = visit(child, before?.children.get(name))
      if (now === child) continue
      children ??= new Map(node.children)
      children.set(name, now)
    }
    return children === undefined && attrs === node.attrs ? node : directory(children ?? node.children, attrs)
  }
  // One object in, one object out: hard links stay hard links.
  const clampLeaf = (leaf: Leaf): Leaf => {
    const known = leaves.get(leaf)
    if (known !== undefined) return known
    const attrs = clamp(leaf.attrs, created)
    if (attrs === leaf.attrs) return leaf
    const now = { ...leaf, attrs }
    leaves.set(leaf, now)
    return now
  }
  return visit(tree, base) as Tree
}

/** What is newer than the image where the base has something else. */
function newerLeaves(tree: Tree, base: Tree, created: number): ReadonlySet<Leaf> {
  const newer = new Set<Leaf>()
  const visit = (folder: Directory, old: Directory | undefined) => {
    folder.children.forEach((node, name) => {
      const before = old?.children.get(name)
      if (node === before || node.kind === 'whiteout' || node.kind === 'link') return
      if (node.kind === 'directory') visit(node, before?.kind === 'directory' ? before : undefined)
      else if (clamp(node.attrs, created) !== node.attrs) newer.add(node)
    })
  }
  visit(tree, base)
  return newer
}

function clamp(attrs: Attrs, created: number): Attrs {
  // A folder on the way to a new file, which nobody described, is as new as the image.
  if (attrs === FRESH_DIRECTORY) return { ...attrs, mtime: created }
  return attrs.mtime > created ? { ...attrs, mtime: created } : attrs
}
