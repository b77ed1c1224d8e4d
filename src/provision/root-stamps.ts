import { closeSync, lstatSync, openSync, rmSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { OcibakeError } from '../errors.ts'
import { type ByteString, display } from '../oci/name.ts'
import type { Directory, Leaf, Tree } from '../oci/node.ts'
import { walk } from '../oci/walk.ts'
import { type OwnerRecord, sameRecord } from './owner-records.ts'
import type { RootEntry } from './root-entries.ts'

/** What statx said of something that we laid out, by which it is known again, and known to be untouched. */
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

/** `owners` 'recorded': everything on disk is the builder's, who is root in the tree, unless the record says otherwise. */
export function stampOf(entry: RootEntry, owners: 'real' | 'recorded', record: OwnerRecord | undefined): Stamp {
  const real = owners === 'real'
  return {
    identity: entry.identity,
    changed: entry.changed,
    modified: entry.modified,
    mode: record?.mode ?? entry.mode & 0o7777,
    uid: record?.uid ?? (real ? entry.uid : 0),
    gid: record?.gid ?? (real ? entry.gid : 0),
    ...(record === undefined ? {} : { record }),
  }
}

/** Whether nothing of it was changed since. Content and names alone leave the record as it was; it alone, the ctime. */
export function isUntouched(was: Stamp | undefined, now: Stamp): boolean {
  return was?.identity === now.identity && was.changed === now.changed && sameRecord(was.record, now.record)
}

/** Calls its argument for everything that lies in a root: see `eachEntry`. */
export type Entries = (visit: (entry: RootEntry) => void) => void

/**
 * Stamps everything that lies where `entries` are from, which is `tree` and nothing else. What is changed after
 * `passTick` has another ctime, or another record.
 * @throws INTERNAL when something else lies there
 */
export function stampsOf(
  tree: Tree,
  entries: Entries,
  stamp: (node: Directory | Leaf, entry: RootEntry) => Stamp,
): RootStamps {
  const folders = new Map<ByteString, Stamp>()
  const leaves = new Map<Leaf, Stamp>()
  const byIdentity = new Map<string, Leaf>()
  const wanted = nodesOf(tree)
  entries((entry) => {
    const [path, node] = wanted.next().value ?? []
    if (path !== entry.path || node === undefined) throw strange(entry.path)
    if (node.kind === 'directory') {
      folders.set(path, stamp(node, entry))
      return
    }
    const { identity } = entry
    // Two names of one inode are one object, and nothing else is.
    if (byIdentity.get(identity) !== (leaves.has(node) ? node : undefined)) throw strange(entry.path)
    if (node.kind === 'file' && node.content.size !== entry.size) throw strange(entry.path)
    if (leaves.has(node)) return
    leaves.set(node, stamp(node, entry))
    byIdentity.set(identity, node)
  })
  const { value: missing } = wanted.next()
  if (missing !== undefined) throw strange(missing[0])
  return { folders, leaves, byIdentity }
}

/** In the order in which a root is surveyed. */
function* nodesOf(tree: Tree): Generator<[ByteString, Directory | Leaf], undefined> {
  yield ['', tree]
  for (const [path, node] of walk(tree)) if (node.kind !== 'whiteout' && node.kind !== 'link') yield [path, node]
}

function strange(path: ByteString): OcibakeError {
  return new OcibakeError('INTERNAL', `The laid-out root is another one than was wanted at /${display(path)}.`)
}

/** What the ctime of a new file beside a root is now, nanoseconds. */
export function ctimeNow(root: string): bigint {
  const probe = `${root}.tick`
  closeSync(openSync(probe, 'w'))
  const { ctimeNs } = lstatSync(probe, { bigint: true })
  rmSync(probe)
  return ctimeNs
}

/**
 * Waits until what is changed in a root gets a later ctime than `last`: kernels before 6.13 count time in ticks of up to
 * 10 ms, some file systems in seconds, and a change within the last tick would not be seen.
 */
export async function passTick(root: string, last: bigint): Promise<void> {
  for (let waited = 0; waited < 2500 && ctimeNow(root) <= last; waited += 5) await setTimeout(5)
}
