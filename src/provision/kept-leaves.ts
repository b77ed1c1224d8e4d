import type { Directory, Leaf, Tree } from '../oci/node.ts'

/**
 * What is in `tree` where `base` has the very same object: nobody changed it. Such a file may have got more names, and
 * stays one file with them only if all are left alone.
 */
export function keptLeaves(tree: Tree, base: Tree): ReadonlySet<Leaf> {
  const kept = new Set<Leaf>()
  const visit = (folder: Directory, old: Directory) => {
    for (const [name, node] of folder.children) {
      const before = folder === old ? node : old.children.get(name)
      if (node.kind === 'directory') {
        if (before?.kind === 'directory') visit(node, before)
      } else if (node === before && node.kind !== 'whiteout' && node.kind !== 'link') kept.add(node)
    }
  }
  visit(tree, base)
  return kept
}
