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
  const names = new Map<Node, ByteString | ByteString[]>()
  for (const [path, node] of walk(root)) {
    if (node.kind === 'directory' || node.kind === 'whiteout' || node.kind === 'link') continue
    const known = names.get(node)
    if (known === undefined) names.set(node, path)
    else if (typeof known === 'string') names.set(node, [known, path])
    else known.push(path)
  }
  const links = new Map<Node, ByteString[]>()
  for (const [node, paths] of names) if (typeof paths !== 'string') links.set(node, paths)
  return links
}
