import { OcibakeError } from '../errors.ts'
import { type Detour, detourGroups, groupLayer } from './detour.ts'
import { isKnownApplied } from './late-children.ts'
import type { ByteString } from './name.ts'
import { display } from './name.ts'
import { type Attrs, type Directory, FRESH_DIRECTORY, type Leaf, type Link, type Node, type Tree } from './node.ts'
import { nodeAt, placeAt, resolvePath } from './tree-paths.ts'

/**
 * The filesystem that a container sees once `layer` is laid over `tree` (image-spec layer.md, "Applying changesets").
 *
 * Whiteouts and opaque marks act on `tree` alone, wherever they stood in the archive. A directory with attrs replaces
 * what is no directory; one without (implied) keeps what is there and follows a symlink inside the root. What the
 * layer does not name stays the same object.
 * @throws LAYER_INVALID for a hard link to nothing; PATH_INVALID where a directory would have to be inside a file
 */
export function apply(tree: Tree, layer: Directory): Tree {
  const detours: Detour[] = []
  const root = lay(tree, layer, '', { tree, detours }) as Tree
  let done = root
  for (const group of detourGroups(detours)) done = takeDetours(done, group)
  return done
}

/** As if they were taken one after the other. */
function takeDetours(tree: Tree, group: readonly Detour[]): Tree {
  if (group.length > 1) {
    const detours: Detour[] = []
    const laid = lay(tree, groupLayer(group), '', { tree, detours }) as Tree
    // One that leads on may lead to where another has been.
    if (detours.length === 0) return laid
  }
  return group.reduce((done, { at, layer }) => apply(done, placeAt(at, layer)), tree)
}

interface Context {
  readonly tree: Tree
  readonly detours: Detour[]
}

function lay(below: Node | undefined, above: Directory, path: ByteString, context: Context): Node {
  if (above.attrs === null && below !== undefined && below.kind !== 'directory')
    return meet(below, above, path, context)
  const lower = below?.kind === 'directory' ? below : undefined
  const attrs: Attrs = above.attrs ?? lower?.attrs ?? FRESH_DIRECTORY
  if (lower === undefined || above.opaque) return layNew(above, attrs, path, context)

  const kept = lower.children
  let children: Map<ByteString, Node> | undefined
  for (const [name, child] of above.children) {
    const old = kept.get(name)
    const laid = layChild(old, child, path === '' ? name : `${path}/${name}`, context)
    if (laid === old) continue
    children ??= new Map(kept)
    if (laid === undefined) children.delete(name)
    else children.set(name, laid)
  }
  if (children === undefined && attrs === lower.attrs) return lower
  return { kind: 'directory', attrs, opaque: false, children: children ?? kept }
}

/** A directory with nothing below it: as far as it can, it stays the layer's own, since half a million names are much. */
function layNew(above: Directory, attrs: Attrs, path: ByteString, context: Context): Directory {
  if (isKnownApplied(above) && attrs === above.attrs && !above.opaque) return above
  let children: Map<ByteString, Node> | undefined
  let same = 0
  for (const [name, child] of above.children) {
    const laid = layChild(undefined, child, path === '' ? name : `${path}/${name}`, context)
    if (laid === child && children === undefined) {
      same++
      continue
    }
    children ??= new Map(above.children.entries().take(same))
    if (laid !== undefined) children.set(name, laid)
  }
  if (children === undefined && attrs === above.attrs && !above.opaque) return above
  return { kind: 'directory', attrs, opaque: false, children: children ?? above.children }
}

function layChild(old: Node | undefined, child: Node, path: ByteString, context: Context): Node | undefined {
  switch (child.kind) {
    case 'whiteout':
      return undefined
    case 'directory':
      return lay(old, child, path, context)
    case 'link':
      return linked(child, path, context.tree)
    default:
      return child
  }
}

/** An implied directory met something else: behind a symlink it goes where the symlink leads. */
function meet(below: Node, above: Directory, path: ByteString, context: Context): Node {
  if (below.kind === 'symlink') {
    const at = resolvePath(context.tree, path, { allowMissing: true })
    if (at !== null) {
      context.detours.push({ at, layer: above })
      return below
    }
  }
  const what = below.kind === 'symlink' ? 'a symlink that leads to a file' : 'no directory'
  throw new OcibakeError('PATH_INVALID', `/${display(path)} is ${what}, so nothing can be put inside it.`, {
    hint: 'Remove it in an earlier step, or choose another place.',
  })
}

function linked(link: Link, path: ByteString, tree: Tree): Leaf {
  const at = resolvePath(tree, link.target, { followLast: false })
  const node = at === null ? undefined : nodeAt(tree, at)
  if (node?.kind === 'file' || node?.kind === 'symlink' || node?.kind === 'special') return node
  const got = node === undefined ? 'which does not exist' : `which is a ${node.kind}`
  throw new OcibakeError('LAYER_INVALID', `/${display(path)} is a hard link to /${display(link.target)}, ${got}.`)
}
