import {
  type BigIntStats,
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { OcibakeError, systemCode } from '../errors.ts'
import type { Report } from '../events.ts'
import { type ByteString, display, toBytes } from '../oci/name.ts'
import type { Attrs, Directory, File, Leaf, Node, Special, Tree } from '../oci/node.ts'
import { walk } from '../oci/walk.ts'
import { writeError } from '../oci/write-error.ts'
import { Breath } from './breath.ts'
import { UNDATED } from './dates.ts'
import { makeSpecials, writeUserXattrs, writeXattrs } from './host-attributes.ts'
import { hostPath } from './host-path.ts'
import { modeOnDisk, type OwnerRecord, type OwnerRecords } from './owner-records.ts'
import { recordOf } from './record-of.ts'
import { type RootStamps, stampOf, stampRoot } from './root-stamps.ts'
import { writeContent } from './write-content.ts'

/** The last second that a Date can hold. */
const LAST_DATE = 8.64e12

/** A tree on disk, and how to know again what of it is untouched. */
export interface LaidOut {
  /** Absolute host path of what will be `/`. */
  readonly root: string
  readonly tree: Tree
  readonly stamps: RootStamps
  readonly owners: Owners
  /** What is true of the root beside what the disk says; empty when owners are real. */
  readonly records: OwnerRecords
}

/** 'real': as on the disk, which needs root. 'recorded': the disk is the builder's, the rest is in records. */
export type Owners = 'real' | 'recorded'

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
  const owners = options.owners ?? 'real'
  const writer = new RootWriter(tree, root, owners, options)
  await writer.write()
  const records = new Map<string, OwnerRecord>()
  const stamp = (path: ByteString, node: Directory | Leaf, stat: BigIntStats) => {
    const record = owners === 'real' ? undefined : recordOf(node, stat, writer.refused.get(path))
    const stamped = stampOf(stat, owners, record)
    if (record !== undefined) records.set(stamped.identity, record)
    return stamped
  }
  return { root, tree, owners, records, stamps: await stampRoot(tree, root, stamp, options.signal) }
}

class RootWriter {
  readonly #tree: Tree
  readonly #root: string
  readonly #options: LayOutOptions
  readonly #isReal: boolean
  /** Attributes that the disk did not take, by path: names. */
  refused: ReadonlyMap<ByteString, ReadonlySet<ByteString>> = new Map()
  /** The first name of each leaf: the next ones are hard links to it. */
  readonly #made = new Map<Leaf, ByteString>()
  readonly #specials = new Map<ByteString, Special>()
  readonly #specialLinks: [from: ByteString, to: ByteString][] = []
  readonly #xattrs = new Map<ByteString, Attrs['xattrs']>()

  constructor(tree: Tree, root: string, owners: Owners, options: LayOutOptions) {
    this.#tree = tree
    this.#root = root
    this.#isReal = owners === 'real'
    this.#options = options
  }

  async write(): Promise<void> {
    const { report, signal } = this.#options
    await this.#each((path, node) => this.#make(path, node))
    await makeSpecials(this.#root, this.#specials, this.#isReal, signal)
    for (const [from, to] of this.#specialLinks) linkSync(this.#host(from), this.#host(to))
    for (const [path, { attrs }] of this.#specials) this.#setAttrs(path, attrs, false)
    // Last, when nothing is made in them any more: their times stay.
    await this.#each((path, node) => {
      if (node.kind === 'directory') this.#setAttrs(path, node.attrs!, true)
    })
    // After every chown, which takes security.capability away.
    if (this.#isReal) await writeXattrs(this.#root, this.#xattrs, report, signal)
    else this.refused = await writeUserXattrs(this.#root, this.#xattrs, signal)
  }

  async #each(visit: (path: ByteString, node: Node) => Promise<void> | undefined): Promise<void> {
    const breath = new Breath(this.#options.signal)
    const guarded = async (path: ByteString, node: Node) => {
      try {
        const pending = visit(path, node)
        if (pending !== undefined) await pending
      } catch (error) {
        throw layOutError(error, path, this.#root)
      }
    }
    await guarded('', this.#tree)
    for (const [path, node] of walk(this.#tree)) {
      await guarded(path, node)
      if (breath.isDue()) await breath.take()
    }
  }

  #make(path: ByteString, node: Node): Promise<void> | undefined {
    if (node.kind === 'whiteout' || node.kind === 'link')
      throw new OcibakeError('INTERNAL', `A tree has a ${node.kind}.`)
    if (node.kind === 'directory') {
      mkdirSync(this.#host(path), 0o700)
      if (node.attrs!.xattrs.size > 0) this.#xattrs.set(path, node.attrs!.xattrs)
      return
    }
    const first = this.#made.get(node)
    if (first !== undefined) {
      if (node.kind === 'special') this.#specialLinks.push([first, path])
      else linkSync(this.#host(first), this.#host(path))
      return
    }
    this.#made.set(node, path)
    if (node.attrs.xattrs.size > 0) this.#xattrs.set(path, node.attrs.xattrs)
    if (node.kind === 'special') this.#specials.set(path, node)
    else if (node.kind === 'file') return this.#makeFile(path, node)
    else {
      symlinkSync(toBytes(node.target), this.#host(path))
      if (this.#isReal) lchownSync(this.#host(path), node.attrs.uid, node.attrs.gid)
      this.#setTimes(path, node.attrs)
    }
  }

  #makeFile(path: ByteString, { attrs, content }: File): Promise<void> | undefined {
    const descriptor = openSync(this.#host(path), 'wx', 0o600)
    const finish = () => {
      if (this.#isReal) fchownSync(descriptor, attrs.uid, attrs.gid)
      // After chown, which clears setuid and setgid.
      fchmodSync(descriptor, this.#mode(attrs, false))
      const time = this.#time(attrs)
      futimesSync(descriptor, time, time)
    }
    let pending: Promise<void> | undefined
    try {
      pending = writeContent(content, descriptor)
      if (pending === undefined) finish()
    } finally {
      if (pending === undefined) closeSync(descriptor)
    }
    return pending?.then(finish).finally(() => closeSync(descriptor))
  }

  #mode({ mode }: Attrs, isDirectory: boolean): number {
    return this.#isReal ? mode : modeOnDisk(mode, isDirectory)
  }

  #setAttrs(path: ByteString, attrs: Attrs, isDirectory: boolean): void {
    const at = this.#host(path)
    if (this.#isReal) lchownSync(at, attrs.uid, attrs.gid)
    chmodSync(at, this.#mode(attrs, isDirectory))
    this.#setTimes(path, attrs)
  }

  #setTimes(path: ByteString, attrs: Attrs): void {
    const time = this.#time(attrs)
    lutimesSync(this.#host(path), time, time)
  }

  /** A Date, because node:fs takes a negative number for "now". */
  #time({ mtime }: Attrs): Date {
    const seconds = mtime === UNDATED ? this.#options.newest : mtime
    return new Date(Math.max(-LAST_DATE, Math.min(LAST_DATE, seconds)) * 1000)
  }

  #host(path: ByteString): string | Buffer {
    return hostPath(this.#root, path)
  }
}

function layOutError(error: unknown, path: ByteString, root: string): unknown {
  const code = systemCode(error)
  if (code === 'ENAMETOOLONG' || code === 'EINVAL' || code === 'EEXIST' || code === 'EMLINK') {
    return new OcibakeError('PATH_INVALID', `/${display(path)} cannot be laid out for a script: ${code}.`, {
      hint: 'Choose another disk with --cache-dir, or remove the path in an earlier step.',
      cause: error,
    })
  }
  return writeError(error, join(root, 'x'))
}
