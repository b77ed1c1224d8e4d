import { apply } from '../oci/apply.ts'
import { bytesContent, type Content } from '../oci/content.ts'
import type { ByteString } from '../oci/name.ts'
import type { File, Tree } from '../oci/node.ts'
import { placeAt } from '../oci/tree-paths.ts'
import { walk } from '../oci/walk.ts'
import { keptLeaves } from './kept-leaves.ts'

/**
 * The tree in which the files that steps made hold what `rewrite` returns; undefined leaves them as they are. It is asked
 * once for a file, with the first of its names; hard links stay hard links.
 */
export async function rewriteFiles(
  tree: Tree,
  base: Tree,
  rewrite: (path: ByteString, content: Content) => Promise<Buffer | undefined>,
): Promise<Tree> {
  const kept = keptLeaves(tree, base)
  const rewritten = new Map<File, File>()
  let now = tree
  for (const [path, node] of walk(tree)) {
    if (node.kind !== 'file' || kept.has(node)) continue
    const known = rewritten.get(node)
    const bytes = known === undefined ? await rewrite(path, node.content) : undefined
    const file = known ?? (bytes === undefined ? node : { ...node, content: bytesContent(bytes) })
    rewritten.set(node, file)
    if (file !== node) now = apply(now, placeAt(path, file))
  }
  return now
}
