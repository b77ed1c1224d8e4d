import type { Report } from '../events.ts'
import { type ByteString, display, toBytes } from '../oci/name.ts'
import { type Attrs, type Directory, type Leaf, NO_XATTRS } from '../oci/node.ts'
import { askHelper } from './native-helper.ts'
import type { Owners, RefusedXattr, RootChange } from './root-change.ts'

/** Labels that the host's kernel puts on every file, and notes of an overlay below the work folder: no part of a tree. */
const OF_THE_HOST = /^(security\.(selinux|apparmor|ima|evm|SMACK64\w*)|trusted\.overlay\..*)$/

/** The only ones that an ordinary user may set. */
export const OF_THE_USER = /^user\./

/** What sets the extended attributes of a node; with recorded owners, those that an ordinary user may set. */
export function* settableXattrs(path: ByteString, node: Directory | Leaf, owners: Owners): Generator<RootChange> {
  for (const [name, value] of node.attrs!.xattrs) {
    if (owners === 'real' || OF_THE_USER.test(name)) yield { do: 'xattr', path, name, value }
  }
}

/** Warns of attributes that the file system did not take, if there are any. */
export function warnOfRefused(refused: readonly RefusedXattr[], report: Report): void {
  const [first] = refused
  if (first === undefined) return
  const { path, name, error } = first
  const others = refused.length - 1
  report({
    type: 'warning',
    message: `The work folder cannot hold ${display(name)} of /${display(path)}${others > 0 ? ` and ${others} more` : ''}: ${error}.`,
    hint: 'It stays in the image unless a script changes the file. Choose another disk with --cache-dir to be sure.',
  })
}

/** The extended attributes of each path below `root`, in the same order, without those of the host itself. */
export async function readXattrs(
  root: string,
  paths: readonly ByteString[],
  signal: AbortSignal,
): Promise<Attrs['xattrs'][]> {
  if (paths.length === 0) return []
  const input = [toBytes(paths.map((path) => `${path}\0`).join(''))]
  const answer = await askHelper({ verb: 'read-xattrs', folder: root, input }, signal)
  let at = 0
  const field = () => {
    const end = answer.indexOf(0, at)
    const text = answer.toString('latin1', at, end)
    at = end + 1
    return text
  }
  return paths.map(() => {
    const found = new Map<ByteString, Uint8Array>()
    for (let name = field(); name !== ''; name = field()) {
      const size = Number(field())
      const value = answer.subarray(at, at + size)
      at += size
      if (!OF_THE_HOST.test(name)) found.set(name, Buffer.from(value))
    }
    return found.size === 0 ? NO_XATTRS : found
  })
}
