import { OcibakeError } from '../errors.ts'
import type { ByteString } from '../oci/name.ts'
import { type Directory, directory, FRESH_DIRECTORY, type Node, type Tree } from '../oci/node.ts'
import { nodeAt } from '../oci/tree-paths.ts'
import type { Base } from './base.ts'

/** Goes up whenever other folders are taken to be there: what was made on top of others is not used then. */
const VERSION = 1

/** What stands for the bytes of every base that nobody reads: a layer on top of one fits any other. */
export const UNREAD = ['unread', VERSION] as const

const folder = (mode: number, children: Readonly<Record<string, Node>> = {}) =>
  directory(new Map(Object.entries(children)), { ...FRESH_DIRECTORY, mode })

/**
 * Where nobody knows the folders of a base: those that are elsewhere than 0755 root in every distribution (hier(7)).
 * A file in one of them brings it along, as it brings others along with 0755.
 */
const ASSUMED = {
  ...folder(0o755, { root: folder(0o700), tmp: folder(0o1777), var: folder(0o755, { tmp: folder(0o1777) }) }),
} as Tree

/** What is a symlink in some bases, a folder in others: whatever has that name in a layer would take all away that is in it. */
const MAY_BE_SYMLINKS: readonly (readonly [path: ByteString, target: string])[] = [
  ...['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].map((name) => [name, `/usr/${name}`] as const),
  ['usr/sbin', '/usr/bin'],
  ['var/run', '/run'],
  ['var/lock', '/run/lock'],
]

/** What is a folder in every distribution (hier(7)): a file of that name would take the place of all that is in it. */
const FOLDERS: readonly ByteString[] = [
  ...['boot', 'dev', 'etc', 'home', 'media', 'mnt', 'opt', 'proc', 'root', 'run', 'srv', 'sys', 'tmp', 'usr', 'var'],
  ...['bin', 'include', 'lib', 'libexec', 'local', 'sbin', 'share', 'src'].map((name) => `usr/${name}`),
  ...['bin', 'etc', 'lib', 'sbin', 'share'].map((name) => `usr/local/${name}`),
  ...['cache', 'lib', 'log', 'opt', 'spool', 'tmp'].map((name) => `var/${name}`),
  ...['default', 'init.d', 'profile.d', 'ssl'].map((name) => `etc/${name}`),
]

/** The base, of which manifest and config are all that anybody looks at. */
export function unreadBase(base: Base): Base {
  return { ...base, contents: [], blobs: [], tree: async () => ASSUMED }
}

/**
 * What steps laid over a base that nobody has read.
 * @param where the spec
 * @throws PATH_INVALID for what may be a symlink or is a folder there, here
 */
export function laidOver(tree: Tree, where: string): Directory {
  for (const [path, target] of MAY_BE_SYMLINKS) {
    const node = nodeAt(tree, path)
    if (node === undefined) continue
    const what = node.kind === 'directory' ? 'folder' : node.kind
    throw new OcibakeError(
      'PATH_INVALID',
      `The layer would have a ${what} /${path}, which is a symlink to ${target} in some bases, and take its place.`,
      { hint: `Lay the files below ${target}, or leave \`readBase: false\` out.`, where },
    )
  }
  for (const path of FOLDERS) {
    const node = nodeAt(tree, path)
    if (node === undefined || node.kind === 'directory') continue
    throw new OcibakeError(
      'PATH_INVALID',
      `The layer would have a ${node.kind} /${path}, and take the place of that folder in the base.`,
      {
        hint: `Name something in the folder: where one file is copied there, \`to\` ends with a slash: '/${path}/'.`,
        where,
      },
    )
  }
  return added(tree, ASSUMED)
}

/** The error of a step, saying why it may not have found what it wanted. */
export function ofUnread(error: OcibakeError): OcibakeError {
  if (error.code !== 'PATH_NOT_FOUND') return error
  const hint = 'Of the base nothing is known: leave `readBase: false` out, or bring along what the step is to find.'
  return new OcibakeError(error.code, error.message, { hint, cause: error })
}

/** The tree without what is nobody's but the other's. */
function added(tree: Directory, assumed: Directory): Directory {
  const children = new Map<ByteString, Node>()
  for (const [name, node] of tree.children) {
    const other = assumed.children.get(name)
    if (node === other) continue
    const both = node.kind === 'directory' && other?.kind === 'directory'
    children.set(name, both ? added(node, other) : node)
  }
  return directory(children, children.size === 0 && tree.attrs === assumed.attrs ? null : tree.attrs)
}
