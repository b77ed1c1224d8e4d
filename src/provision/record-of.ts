import type { BigIntStats } from 'node:fs'
import type { ByteString } from '../oci/name.ts'
import { type Directory, type Leaf, NO_XATTRS } from '../oci/node.ts'
import type { Device, OwnerRecord } from './owner-records.ts'

/**
 * What has to be recorded of a node that was laid out as the builder's own, and looks as `stat` says; undefined when
 * that is true already. `refused` are the names of its attributes that the disk did not take.
 */
export function recordOf(
  node: Directory | Leaf,
  stat: BigIntStats,
  refused: ReadonlySet<ByteString> | undefined,
): OwnerRecord | undefined {
  const { uid, gid, mode: wanted, xattrs: all } = node.attrs!
  const mode = node.kind === 'symlink' || (Number(stat.mode) & 0o7777) === wanted ? null : wanted
  const device: Device | null =
    node.kind === 'special' && node.type !== 'fifo' ? { type: node.type, major: node.major, minor: node.minor } : null
  const xattrs = refused === undefined ? NO_XATTRS : new Map([...all].filter(([name]) => refused.has(name)))
  if (uid === 0 && gid === 0 && mode === null && device === null && xattrs.size === 0) return undefined
  return { uid, gid, mode, device, xattrs }
}
