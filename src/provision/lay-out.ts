import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import type { ByteString } from '../oci/name.ts'
import type { Directory, Leaf, Node, Tree } from '../oci/node.ts'
import { walk } from '../oci/walk.ts'
import { writeError } from '../oci/write-error.ts'
import { checkContents } from './check-contents.ts'
import { settableXattrs, warnOfRefused } from './host-attributes.ts'
import type { OwnerRecord, OwnerRecords } from './owner-records.ts'
import { recordOf } from './record-of.ts'
import type { Owners, RefusedXattr, RootChange } from './root-change.ts'
import { changeRoot } from './root-changes.ts'
import { entriesNow, type RootEntry } from './root-entries.ts'
import { sourcesIn } from './root-records.ts'
import { ctimeNow, passTick, type RootStamps, stampOf, stampsOf } from './root-stamps.ts'

/** A tree on disk, and how to know again what of it is untouched. */
export interface LaidOut {
  /** Absolute host path of what will be `/`. */
  readonly root: string
  readonly tree: Tree
  /** Made when they are asked for the first time, if owners are real. @throws INTERNAL when the root is not the tree */
  readonly stamps: RootStamps
  readonly owners: Owners
  /** What is true of the root beside what the disk says; empty when owners are real. */
  readonly records: OwnerRecords
  /**
   * Looks whether the bytes that were laid out are those that the store was given, and makes the stamps: for while a
   * script runs, which has to be ended when this throws.
   * @throws STORE_CORRUPT; INTERNAL when the root is not the tree; the reason of the signal
   */
  verify(signal: AbortSignal): Promise<void>
}

export interface LayOutOptions {
  /** What UNDATED becomes on disk, seconds. */
  readonly newest: number
  /** Default: 'real'. */
  readonly owners?: Owners
  readonly report: Report
  readonly signal: AbortSignal
}

/**
 * Writes `tree` to `root/` in `folder`, exactly: owners, set-id bits, devices, extended attributes, hard links, times.
 * With real owners that needs root; with recorded ones, what the disk of an ordinary user cannot hold is in `records`,
 * and the builder can read and write all of it. `folder` is absolute, empty, 0700 and ours: what is laid out may be
 * setuid.
 * @throws DISK_FULL; PATH_INVALID for names or paths that this file system cannot hold; the reason of the signal
 */
export async function layOut(tree: Tree, folder: string, options: LayOutOptions): Promise<LaidOut> {
  const root = join(folder, 'root')
  const { owners = 'real', newest, report, signal } = options
  await mkdir(root, { mode: 0o700 }).catch((error: unknown) => {
    throw writeError(error, root)
  })
  const refused = await changeRoot(root, allOf(tree, owners), sourcesIn(tree), { owners, newest, signal })
  if (owners === 'real') warnOfRefused(refused, report)
  const names = namesByPath(refused)
  return await stamped({ root, tree, owners, refused: ({ path }) => names.get(path) }, signal)
}

/** A tree on disk that is not stamped yet. */
export interface Unstamped extends Pick<LaidOut, 'root' | 'tree' | 'owners'> {
  /** Names of attributes that the disk did not take, of those that a user may set. */
  refused(entry: RootEntry): ReadonlySet<ByteString> | undefined
}

/** Takes down what lies in a root, now that it is a tree. @throws INTERNAL when it is not; the reason of the signal */
export async function stamped({ root, tree, owners, refused }: Unstamped, signal: AbortSignal): Promise<LaidOut> {
  const records = new Map<string, OwnerRecord>()
  const stamp = (node: Directory | Leaf, entry: RootEntry) => {
    const record = owners === 'real' ? undefined : recordOf(node, entry, refused(entry))
    const made = stampOf(entry, owners, record)
    if (record !== undefined) records.set(made.identity, record)
    return made
  }
  const last = ctimeNow(root)
  const entries = await entriesNow(root, signal)
  await passTick(root, last)
  let made: RootStamps | undefined
  const stamps = () => {
    made ??= stampsOf(tree, entries, stamp)
    return made
  }
  // They make the records that the script's sandbox needs.
  if (owners === 'recorded') stamps()
  return {
    ...{ root, tree, owners, records },
    get stamps() {
      return stamps()
    },
    async verify(stop) {
      await checkContents(tree, stop)
      stamps()
    },
  }
}

export function namesByPath(refused: readonly RefusedXattr[]): ReadonlyMap<ByteString, ReadonlySet<ByteString>> {
  const names = new Map<ByteString, Set<ByteString>>()
  for (const { path, name } of refused) names.set(path, (names.get(path) ?? new Set()).add(name))
  return names
}

function* allOf(tree: Tree, owners: Owners): Generator<RootChange> {
  /** The first name of each leaf: the next ones are hard links to it. */
  const made = new Map<Leaf, ByteString>()
  const folders: RootChange[] = [{ do: 'attrs', path: '', node: tree }]
  const xattrs: RootChange[] = [...settableXattrs('', tree, owners)]
  for (const [path, node] of walk(tree)) {
    const leaf = leafOf(node)
    const existing = leaf === undefined ? undefined : made.get(leaf)
    if (existing !== undefined) {
      yield { do: 'link', path, existing }
      continue
    }
    const one = leaf ?? (node as Directory)
    yield { do: 'make', path, node: one }
    if (leaf !== undefined) made.set(leaf, path)
    else folders.push({ do: 'attrs', path, node: one })
    if (one.attrs!.xattrs.size > 0) xattrs.push(...settableXattrs(path, one, owners))
  }
  // When nothing is made in them any more: their times stay.
  yield* folders
  // After every chown, which takes security.capability away, and every chmod, which changes access lists.
  yield* xattrs
}

function leafOf(node: Node): Leaf | undefined {
  if (node.kind === 'directory') return undefined
  if (node.kind === 'whiteout' || node.kind === 'link') throw new OcibakeError('INTERNAL', `A tree has a ${node.kind}.`)
  return node
}
