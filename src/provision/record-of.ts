import type { ByteString } from '../oci/name.ts'
import { type Directory, type Leaf, NO_XATTRS } from '../oci/node.ts'
import { OF_THE_USER } from './host-attributes.ts'
import type { Device, OwnerRecord } from './owner-records.ts'
import type { RootEntry } from './root-entries.ts'

/**
 * What has to be recorded of a node that lies on the disk as the builder's own, as `entry` says; undefined when that is
 * true already. `refused` are the names of its attributes that the disk did not take, of those that a user may set.
 */
export function recordOf(
  node: Directory | Leaf,
  entry: RootEntry,
  refused: ReadonlySet<ByteString> | undefined,
): OwnerRecord | undefined {
  const { uid, gid, mode: wanted, xattrs: all } = node.attrs!
  const mode = node.kind === 'symlink' || (entry.mode & 0o7777) === wanted ? null : wanted
  const device: Device | null =
    node.kind === 'special' && node.type !== 'fifo' ? { type: node.type, major: node.major, minor: node.minor } : null
  const elsewhere = [...all].filter(([name]) => !OF_THE_USER.test(name) || refused?.has(name))
  const xattrs = elsewhere.length === 0 ? NO_XATTRS : new Map(elsewhere)
  if (uid === 0 && gid === 0 && mode === null && device === null && xattrs.size === 0) return undefined
  return { uid, gid, mode, device, xattrs }
}
