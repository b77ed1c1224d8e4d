import { readAll } from '../../src/oci/content.ts'
import type { Directory, Node } from '../../src/oci/node.ts'
import { walk } from '../../src/oci/walk.ts'

/** Everything that a tree says, by value: path -> what is there, hard links by the first of their names. */
export async function describedTree(tree: Directory): Promise<Map<string, unknown>> {
  const described = new Map<string, unknown>([['', { ...attrsOf(tree) }]])
  const first = new Map<Node, string>()
  for (const [path, node] of walk(tree)) {
    const known = first.get(node)
    if (known === undefined) first.set(node, path)
    described.set(path, known !== undefined && node.kind !== 'directory' ? { link: known } : await describedNode(node))
  }
  return described
}

async function describedNode(node: Node): Promise<unknown> {
  if (node.kind === 'whiteout' || node.kind === 'link') throw new Error(`a tree holds a ${node.kind}`)
  const attrs = attrsOf(node)
  if (node.kind === 'file') return { ...attrs, file: (await readAll(node.content, 1 << 28)).toString('base64') }
  if (node.kind === 'symlink') return { ...attrs, target: node.target }
  if (node.kind === 'special') return { ...attrs, type: node.type, device: [node.major, node.minor] }
  return { ...attrs, folder: true }
}

function attrsOf({ attrs }: Exclude<Node, { kind: 'whiteout' | 'link' }>) {
  const xattrs = [...(attrs?.xattrs ?? [])].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
  return { mode: attrs?.mode, uid: attrs?.uid, gid: attrs?.gid, mtime: attrs?.mtime, xattrs: xattrs.sort() }
}
