import { apply } from '../../src/oci/apply.ts'
import { type Directory, directory, type Tree } from '../../src/oci/node.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { walk } from '../../src/oci/walk.ts'
import { clampTimes } from '../../src/provision/clamp-times.ts'
import { changeAttrs, without } from '../../src/provision/edit.ts'
import { type Random, randomLayer } from './random-tree.ts'

/** What steps and normalisers make of a tree, one after the other; `paths` is the same tree, for paths of it. */
export function randomChanges(tree: Tree, paths: Directory, random: Random): Tree[] {
  const known = [...walk(paths)].map(([path]) => path)
  const path = known.length === 0 ? '' : random.pick(known)
  const owned = changeAttrs(tree, [path], random.chance(2), (attrs) => ({ ...attrs, uid: 7 }))
  const linked = withLink(owned, path)
  const removed = path === '' ? linked : without(linked, random.pick(known))
  const laid = apply(removed, randomLayer(random, 2))
  const clamped = clampTimes(laid, { base: tree, created: 1000 })
  return [owned, linked, removed, laid, clamped]
}

/** The tree with one more name for what is at the path, if that is no folder. */
function withLink(tree: Tree, path: string): Tree {
  const node = nodeAt(tree, path)
  if (node === undefined || node.kind === 'directory') return tree
  return apply(tree, directory(new Map([['one more', node]])))
}
