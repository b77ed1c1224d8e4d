import type { ByteString } from './name.ts'
import type { Directory, Node } from './node.ts'

/** The names of a directory in the order of their bytes: the order of every layer that is written. */
export function sortedNames(directory: Directory): ByteString[] {
  return [...directory.children.keys()].sort()
}

/**
 * Every node below `root` (itself left out) with its path, parents before children, names sorted.
 * Iterates rather than recurses, so that depth costs no stack.
 */
export function* walk(root: Directory): Generator<[path: ByteString, node: Node]> {
  const stack: { prefix: ByteString; node: Directory; names: ByteString[]; at: number }[] = []
  stack.push({ prefix: '', node: root, names: sortedNames(root), at: 0 })
  while (stack.length > 0) {
    const top = stack.at(-1)!
    if (top.at === top.names.length) {
      stack.pop()
      continue
    }
    const name = top.names[top.at++]!
    const node = top.node.children.get(name)!
    const path = top.prefix + name
    yield [path, node]
    if (node.kind === 'directory') stack.push({ prefix: `${path}/`, node, names: sortedNames(node), at: 0 })
  }
}

/** The leaves that have more than one name (hard links), each with its paths in walk order. */
export function hardLinks(root: Directory): Map<Node, ByteString[]> {
  const links = new Map<Node, ByteString[]>()
  const shared = sharedLeaves(root)
  if (shared.size === 0) return links
  for (const [path, node] of walk(root)) {
    if (!shared.has(node)) continue
    const paths = links.get(node)
    if (paths === undefined) links.set(node, [path])
    else paths.push(path)
  }
  return links
}

/** In no order and without paths: most trees have few such leaves, and half a million names are much to keep. */
function sharedLeaves(root: Directory): Set<Node> {
  const seen = new Set<Node>()
  const shared = new Set<Node>()
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const node of folder.children.values()) {
      if (node.kind === 'directory') folders.push(node)
      else if (node.kind === 'whiteout' || node.kind === 'link') continue
      else if (seen.has(node)) shared.add(node)
      else seen.add(node)
    }
  }
  return shared
}
