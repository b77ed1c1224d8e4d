import { apply } from '../oci/apply.ts'
import type { Tree } from '../oci/node.ts'
import { nodeAt, placeAt } from '../oci/tree-paths.ts'
import { without } from './edit.ts'
import { glob } from './glob.ts'

/**
 * The tree in which what the globs match is as `base` has it: gone where the base has nothing. What a step removed
 * stays removed, and folders stay.
 */
export function restore(tree: Tree, base: Tree, globs: readonly string[]): Tree {
  let now = tree
  for (const path of globs.flatMap((pattern) => glob(tree, pattern))) {
    const node = nodeAt(now, path)
    const old = nodeAt(base, path)
    if (node === undefined || node === old || node.kind === 'directory') continue
    now = old === undefined || old.kind === 'directory' ? without(now, path) : apply(now, placeAt(path, old))
  }
  return now
}
