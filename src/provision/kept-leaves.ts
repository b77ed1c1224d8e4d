import { isUnseen } from '../oci/late-children.ts'
import type { Directory, Node, Tree } from '../oci/node.ts'

/**
 * Those of `leaves` that are in `tree` where `base` has the very same object: nobody changed them. Such a file may have got
 * more names, and stays one file with them only if all are left alone.
 */
export function keptLeaves<L extends Node>(tree: Tree, base: Tree, leaves: ReadonlySet<L>): ReadonlySet<L> {
  const kept = new Set<L>()
  const visit = (folder: Directory, old: Directory) => {
    if (folder === old && isUnseen(folder)) return
    folder.children.forEach((node, name) => {
      const before = folder === old ? node : old.children.get(name)
      if (node.kind === 'directory') {
        if (before?.kind === 'directory') visit(node, before)
      } else if (node === before && leaves.has(node as L)) kept.add(node as L)
    })
  }
  if (leaves.size > 0) visit(tree, base)
  return kept
}
