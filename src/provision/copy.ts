import { basename } from 'node:path'
import { apply } from '../oci/apply.ts'
import { HostFile } from '../oci/content.ts'
import { type ByteString, fromText } from '../oci/name.ts'
import { type Attrs, type Directory, directory, NO_XATTRS, type Node, type Tree } from '../oci/node.ts'
import { nodeAt, placeAt, resolvePath } from '../oci/tree-paths.ts'
import { lookUpUser } from './accounts.ts'
import { UNDATED } from './dates.ts'
import { newPath, refuseDeletion } from './glob.ts'
import { checkReadable, type HostFolder, type HostNode, hostSource } from './host-source.ts'
import type { CopyStep, Tools } from './step.ts'

/**
 * The tree with a local folder's contents, or one file, laid over it. `step.copy` is an absolute host path here.
 * What a checkout happens to have (umask, owner, times) does not reach the image: see CopyStep for what does.
 * @throws COPY_NOT_FOUND; PATH_INVALID for devices, fifos, `.wh.` names, and what may not be read
 */
export async function copy(tree: Tree, step: CopyStep, tools: Tools): Promise<Tree> {
  const source = tools.taken?.kind === 'files' ? tools.taken.source : sourceOf(step, tools)
  if (source === undefined) return tree
  const to = newPath(step.to)
  const owner = step.owner === undefined ? { uid: 0, gid: 0 } : await lookUpUser(tree, step.owner)
  if (source.kind === 'directory') return apply(tree, placeAt(to, folderLayer(source, { tree, owner }, to)))
  const into = step.to.endsWith('/') || isFolder(tree, to)
  const path = into ? [to, fromText(basename(step.copy))].filter((part) => part !== '').join('/') : to
  refuseDeletion(path)
  return apply(tree, placeAt(path, nodeOf(source, { tree, owner }, path)))
}

function sourceOf(step: CopyStep, { build, report }: Tools): HostNode | undefined {
  const source = hostSource(step, { ownOutputs: build.ownOutputs, report })
  if (source !== undefined) checkReadable(source)
  return source
}

interface Destination {
  readonly tree: Tree
  readonly owner: { readonly uid: number; readonly gid: number }
}

function folderLayer(folder: HostFolder, into: Destination, place: ByteString): Directory {
  const children = new Map<ByteString, Node>()
  for (const [name, child] of folder.children) {
    children.set(name, nodeOf(child, into, place === '' ? name : `${place}/${name}`))
  }
  return directory(children, folderAttrs(folder, into, place))
}

/** A folder that the image has keeps its attributes: the user's folders only say where files go. */
function folderAttrs({ mode }: HostFolder, { tree, owner }: Destination, place: ByteString): Attrs | null {
  return place === '' || resolvePath(tree, place) !== null ? null : attrsOf(mode, owner)
}

function nodeOf(node: HostNode, into: Destination, place: ByteString): Node {
  switch (node.kind) {
    case 'directory':
      return folderLayer(node, into, place)
    case 'symlink':
      return { kind: 'symlink', attrs: attrsOf(0o777, into.owner), target: node.target }
    case 'file':
      return { kind: 'file', attrs: attrsOf(node.mode, into.owner), content: new HostFile(node.path, node.stat) }
  }
}

/** lookUpUser's result has more than the two. */
function attrsOf(mode: number, { uid, gid }: Destination['owner']): Attrs {
  return { mode, uid, gid, mtime: UNDATED, xattrs: NO_XATTRS }
}

function isFolder(tree: Tree, path: ByteString): boolean {
  const at = resolvePath(tree, path)
  return at !== null && nodeAt(tree, at)?.kind === 'directory'
}
