import { OcibakeError } from '../errors.ts'
import type { ByteString } from './name.ts'
import { display } from './name.ts'
import { type Directory, directory, type Node } from './node.ts'

/** How many symlinks one look-up follows before it is a loop: Linux's own limit (path_resolution(7)). */
const MAX_HOPS = 40

/** The names of a path, without empty ones and '.'; '..' stays. */
export function namesOf(path: ByteString): ByteString[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

/** The node at a path from the root, no symlink followed, not even in the middle; undefined when there is none. */
export function nodeAt(root: Directory, path: ByteString): Node | undefined {
  let node: Node | undefined = root
  for (const name of namesOf(path)) {
    if (node?.kind !== 'directory') return undefined
    node = node.children.get(name)
  }
  return node
}

export interface ResolveOptions {
  /** false: a symlink in the last place is itself the result, as for lstat, unlink, link and rename. */
  readonly followLast?: boolean
  /** true: names that do not exist are taken as directories to be, as for mkdir -p. */
  readonly allowMissing?: boolean
}

/**
 * A path with every symlink followed inside `root`, as the kernel does in a chroot: absolute targets start at the
 * root, '..' of the root is the root. The result is canonical: no symlink, '.', '..' or empty name.
 * null when a name on the way does not exist (unless `allowMissing`) or is neither directory nor symlink.
 * @throws PATH_INVALID for a loop of symlinks
 */
export function resolvePath(root: Directory, path: ByteString, options: ResolveOptions = {}): ByteString | null {
  const { followLast = true, allowMissing = false } = options
  const todo = namesOf(path).reverse()
  const done: ByteString[] = []
  const chain: (Node | undefined)[] = [root]
  for (let hops = 0; todo.length > 0; ) {
    const name = todo.pop()!
    if (name === '..') {
      done.pop()
      if (chain.length > 1) chain.pop()
      continue
    }
    const parent = chain.at(-1)
    if (parent !== undefined && parent.kind !== 'directory') return null
    const next = parent?.children.get(name)
    if (next === undefined && !allowMissing) return null
    if (next?.kind === 'symlink' && (followLast || todo.length > 0)) {
      if (++hops > MAX_HOPS) throw new OcibakeError('PATH_INVALID', `/${display(path)} leads into a loop of symlinks.`)
      if (next.target.startsWith('/')) {
        done.length = 0
        chain.length = 1
      }
      todo.push(...namesOf(next.target).reverse())
      continue
    }
    done.push(name)
    chain.push(next)
  }
  return done.join('/')
}

/** A node put at `path` of an otherwise empty layer: every parent is implied, so that apply keeps what is there. */
export function placeAt(path: ByteString, node: Node): Directory {
  const placed = namesOf(path).reduceRight<Node>((inner, name) => directory(new Map([[name, inner]])), node)
  if (placed.kind !== 'directory') {
    throw new OcibakeError('PATH_INVALID', 'The root of an image can only be a directory.')
  }
  return placed
}
