import { posix } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { type ByteString, display, fromText } from '../oci/name.ts'
import { type Directory, directory, FRESH_DIRECTORY, type Leaf, type Node, type Tree } from '../oci/node.ts'
import { nodeAt, placeAt, resolvePath } from '../oci/tree-paths.ts'
import type { Archive } from './archive.ts'
import type { LayerOptions } from './archive-layer.ts'
import { glob, newPath } from './glob.ts'
import type { UnpackStep } from './step.ts'
import { excludePattern, hasWildcard, type NameTest } from './wildcard.ts'

/**
 * What COPY of a Dockerfile makes of `step.take`, a path or a glob in `root`, which the archive is: a layer of the image
 * for each of what is there. Of a folder its contents go to `to`; anything else becomes `to`, or goes into it if that ends
 * with a slash or is a folder of `tree`. Symlinks on the way and in the last place are followed, inside of the archive;
 * those below a folder stay what they are.
 * @throws UNPACK_NOTHING_MATCHED when nothing is there, or a symlink leads to nothing; PATH_INVALID for several files in
 * the place of one
 */
export function takenLayers(
  root: Tree,
  archive: Archive,
  step: UnpackStep & { readonly take: string },
  tree: Tree,
  owner: NonNullable<LayerOptions['owner']>,
): Directory[] {
  const found = pathsOf(root, step.take).map((path) => ({ path, node: followed(root, path, archive) }))
  if (found.length === 0) throw nothing(archive, `${archive.name} has nothing at '${step.take}'.`)
  const excluded = (step.exclude ?? []).map(excludePattern)
  const to = newPath(step.to)
  const there = resolvePath(tree, to)
  const into = step.to.endsWith('/') || (there !== null && nodeAt(tree, there)?.kind === 'directory')
  // It is the owner's, with the usual mode: fsutil, copy/copy.go, prepareTargetDir.
  const attrs = there !== null || owner === 'archive' ? null : { ...FRESH_DIRECTORY, ...owner }
  const files = found.filter(({ node }) => node.kind !== 'directory')
  if (files.length > 1 && !into) {
    throw new OcibakeError('PATH_INVALID', `'${step.take}' is ${files.length} files, and '${step.to}' no folder.`, {
      hint: `Write '${step.to}/'.`,
    })
  }
  const copies = new Map<Leaf, Leaf>()
  return found.flatMap(({ path, node }) => {
    if (node.kind === 'directory') {
      return [placeAt(to, copyWithout(excluded, path, directory(node.children, attrs), copies))]
    }
    if (isExcluded(excluded, path)) return []
    // Another object: what is copied twice is no hard link.
    return [placeAt(into ? below(to, path.slice(path.lastIndexOf('/') + 1)) : to, { ...node })]
  })
}

function pathsOf(root: Tree, take: string): ByteString[] {
  if (hasWildcard(take)) return glob(root, take)
  const path = fromText(posix.normalize(take.replace(/\\(.)/gsu, '$1')).replace(/^\/+|\/+$/g, ''))
  return resolvePath(root, path, { followLast: false }) === null ? [] : [path]
}

function followed(root: Tree, path: ByteString, archive: Archive): Node {
  const real = resolvePath(root, path)
  if (real !== null) return nodeAt(root, real)!
  const { target } = nodeAt(root, resolvePath(root, path, { followLast: false })!) as { target: ByteString }
  const link = `'/${display(path)}' is a symlink to '${display(target)}'`
  throw nothing(archive, `${archive.name}: ${link}, which is not there.`)
}

function nothing(archive: Archive, fault: string): OcibakeError {
  return new OcibakeError('UNPACK_NOTHING_MATCHED', fault, {
    hint: `Change \`take\`, or list the archive's members with: ocibake inspect ${archive.source}`,
  })
}

/** A folder of other objects: what another step takes of the root is no hard link to it. Those inside of it stay. */
function copyWithout(
  excluded: readonly NameTest[],
  path: ByteString,
  folder: Directory,
  copies: Map<Leaf, Leaf>,
): Directory {
  const children = [...folder.children].flatMap(([name, node]): [ByteString, Node][] => {
    const at = below(path, name)
    if (isExcluded(excluded, at)) return []
    if (node.kind === 'directory') return [[name, copyWithout(excluded, at, node, copies)]]
    // A tree has no other kinds of nodes.
    const leaf = node as Leaf
    const copy = copies.get(leaf) ?? { ...leaf }
    copies.set(leaf, copy)
    return [[name, copy]]
  })
  return directory(new Map(children), folder.attrs)
}

const isExcluded = (excluded: readonly NameTest[], path: ByteString) => excluded.some((test) => test(path))
const below = (folder: ByteString, name: ByteString) => (folder === '' ? name : `${folder}/${name}`)
