import { apply } from '../oci/apply.ts'
import { bytesContent, type Content } from '../oci/content.ts'
import { isUnseen } from '../oci/late-children.ts'
import type { ByteString } from '../oci/name.ts'
import type { Directory, File, Tree } from '../oci/node.ts'
import { placeAt } from '../oci/tree-paths.ts'
import { Walk } from '../oci/walk.ts'
import { keptLeaves } from './kept-leaves.ts'

/** What is asked of the files that steps made. */
export interface Rewriting {
  /** Whether a file of this name, the last of its path, may be one to rewrite: half a million are asked. */
  concerns(name: ByteString, content: Content): boolean
  /** What it shall hold; undefined leaves it as it is. It is asked once for a file, with the first of its names. */
  rewrite(path: ByteString, content: Content): Promise<Buffer | undefined>
}

/** The tree in which the files that steps made hold what they shall; hard links stay hard links. */
export async function rewriteFiles(tree: Tree, base: Tree, { concerns, rewrite }: Rewriting): Promise<Tree> {
  const concerned = newFiles(tree, base, concerns)
  if (concerned.size === 0) return tree
  const rewritten = new Map<File, File>()
  let now = tree
  for (const at = new Walk(tree, isUnseen); at.next(); ) {
    const { path, node } = at
    if (node.kind !== 'file' || !concerned.has(node)) continue
    let file = rewritten.get(node)
    if (file === undefined) {
      const asked = concerns(path.slice(path.lastIndexOf('/') + 1), node.content)
      const bytes = asked ? await rewrite(path, node.content) : undefined
      file = bytes === undefined ? node : { ...node, content: bytesContent(bytes) }
      rewritten.set(node, file)
    }
    if (file !== node) now = apply(now, placeAt(path, file))
  }
  return now
}

/** Those that `concerns` takes by one of their names. */
function newFiles(tree: Tree, base: Tree, concerns: Rewriting['concerns']): ReadonlySet<File> {
  const found = new Set<File>()
  const visit = (folder: Directory, old: Directory | undefined) => {
    // Without an entry made for each of half a million.
    folder.children.forEach((node, name) => {
      const before = old?.children.get(name)
      if (node === before) return
      if (node.kind === 'directory') visit(node, before?.kind === 'directory' ? before : undefined)
      else if (node.kind === 'file' && concerns(name, node.content)) found.add(node)
    })
  }
  visit(tree, base)
  for (const leaf of keptLeaves(tree, base, found)) found.delete(leaf)
  return found
}
