import { type BigIntStats, closeSync, lstatSync, openSync, rmSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { ByteString } from '../oci/name.ts'
import type { Directory, Leaf, Tree } from '../oci/node.ts'
import { walk } from '../oci/walk.ts'
import { Breath } from './breath.ts'
import { hostPath } from './host-path.ts'
import { type OwnerRecord, sameRecord } from './owner-records.ts'

/** What lstat said of something that we laid out, by which it is known again, and known to be untouched. */
export interface Stamp {
  readonly identity: string
  /** Nanoseconds; the kernel sets it at every change of content or attributes, and nobody else can. */
  readonly changed: bigint
  /** Nanoseconds. */
  readonly modified: bigint
  /** The true ones: the disk's, or what a record says. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly record?: OwnerRecord
}

/** The stamps of a tree on disk. */
export interface RootStamps {
  readonly folders: ReadonlyMap<ByteString, Stamp>
  readonly leaves: ReadonlyMap<Leaf, Stamp>
  readonly byIdentity: ReadonlyMap<string, Leaf>
}

/**
 * An inode number is given again when its file is gone; the time of birth tells the two apart (0 where it is unknown).
 */
export function identityOf(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}-${stat.birthtimeNs}`
}

/** `owners` 'recorded': everything on disk is the builder's, who is root in the tree, unless the record says otherwise. */
export function stampOf(stat: BigIntStats, owners: 'real' | 'recorded', record: OwnerRecord | undefined): Stamp {
  const real = owners === 'real'
  return {
    identity: identityOf(stat),
    changed: stat.ctimeNs,
    modified: stat.mtimeNs,
    mode: record?.mode ?? Number(stat.mode) & 0o7777,
    uid: record?.uid ?? (real ? Number(stat.uid) : 0),
    gid: record?.gid ?? (real ? Number(stat.gid) : 0),
    ...(record === undefined ? {} : { record }),
  }
}

/** Whether nothing of it was changed since. Content and names alone leave the record as it was; it alone, the ctime. */
export function isUntouched(was: Stamp | undefined, now: Stamp): boolean {
  return was?.identity === now.identity && was.changed === now.changed && sameRecord(was.record, now.record)
}

/** Stamps everything of `tree` that lies at `root`. What is changed from now on has another ctime, or another record. */
export async function stampRoot(
  tree: Tree,
  root: string,
  stamp: (path: ByteString, node: Directory | Leaf, stat: BigIntStats) => Stamp,
  signal: AbortSignal,
): Promise<RootStamps> {
  const folders = new Map<ByteString, Stamp>()
  const leaves = new Map<Leaf, Stamp>()
  const byIdentity = new Map<string, Leaf>()
  const breath = new Breath(signal)
  const look = (path: ByteString, node: Directory | Leaf) =>
    stamp(path, node, lstatSync(hostPath(root, path), { bigint: true }))
  folders.set('', look('', tree))
  for (const [path, node] of walk(tree)) {
    if (breath.isDue()) await breath.take()
    if (node.kind === 'directory') folders.set(path, look(path, node))
    else if (node.kind !== 'whiteout' && node.kind !== 'link' && !leaves.has(node)) {
      const stamp = look(path, node)
      leaves.set(node, stamp)
      byIdentity.set(stamp.identity, node)
    }
  }
  await passTick(root, [...folders.values(), ...leaves.values()])
  return { folders, leaves, byIdentity }
}

/**
 * Waits until a new file gets a later ctime than every stamp: kernels before 6.13 count time in ticks of up to 10 ms,
 * some file systems in seconds, and a change within the last tick would not be seen.
 */
async function passTick(root: string, stamps: readonly Stamp[]): Promise<void> {
  let last = 0n
  for (const { changed } of stamps) if (changed > last) last = changed
  const probe = `${root}.tick`
  for (let waited = 0; waited < 2500; waited += 5) {
    closeSync(openSync(probe, 'w'))
    const { ctimeNs } = lstatSync(probe, { bigint: true })
    rmSync(probe)
    if (ctimeNs > last) return
    await setTimeout(5)
  }
}
