import {
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
import type { Attrs, File, Leaf, Node, Special, Tree } from '../oci/node.ts'
import { walk } from '../oci/walk.ts'
import { writeError } from '../oci/write-error.ts'
import { Breath } from './breath.ts'
import { UNDATED } from './dates.ts'
import { makeSpecials, writeXattrs } from './host-attributes.ts'
import { hostPath } from './host-path.ts'
import { type RootStamps, stampRoot } from './root-stamps.ts'
import { writeContent } from './write-content.ts'

/** The last second that a Date can hold. */
const LAST_DATE = 8.64e12

/** A tree on disk, and how to know again what of it is untouched. */
export interface LaidOut {
  /** Absolute host path of what will be `/`. */
  readonly root: string
  readonly tree: Tree
  readonly stamps: RootStamps
}

export interface LayOutOptions {
  /** What UNDATED becomes on disk, seconds. */
  readonly newest: number
  readonly report: Report
  readonly signal: AbortSignal
}

/**
 * Writes `tree` to `root/` in `folder`, exactly: owners, set-id bits, devices, extended attributes, hard links, times.
 * Needs root. `folder` is absolute, empty, 0700 and ours: what is laid out may be setuid.
 * @throws DISK_FULL; PATH_INVALID for names or paths that this file system cannot hold; the reason of the signal
 */
export async function layOut(tree: Tree, folder: string, options: LayOutOptions): Promise<LaidOut> {
  const root = join(folder, 'root')
  await new RootWriter(tree, root, options).write()
  return { root, tree, stamps: await stampRoot(tree, root, options.signal) }
}

class RootWriter {
  readonly #tree: Tree
  readonly #root: string
  readonly #options: LayOutOptions
  /** The first name of each leaf: the next ones are hard links to it. */
  readonly #made = new Map<Leaf, ByteString>()
  readonly #specials = new Map<ByteString, Special>()
  readonly #specialLinks: [from: ByteString, to: ByteString][] = []
  readonly #xattrs = new Map<ByteString, Attrs['xattrs']>()

  constructor(tree: Tree, root: string, options: LayOutOptions) {
    this.#tree = tree
    this.#root = root
    this.#options = options
  }

  async write(): Promise<void> {
    const { report, signal } = this.#options
    await this.#each((path, node) => this.#make(path, node))
    await makeSpecials(this.#root, this.#specials, signal)
    for (const [from, to] of this.#specialLinks) linkSync(this.#host(from), this.#host(to))
    for (const [path, { attrs }] of this.#specials) this.#setAttrs(path, attrs)
    // Last, when nothing is made in them any more: their times stay.
    await this.#each((path, node) => {
      if (node.kind === 'directory') this.#setAttrs(path, node.attrs!)
    })
    // After every chown, which takes security.capability away.
    await writeXattrs(this.#root, this.#xattrs, report, signal)
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
      lchownSync(this.#host(path), node.attrs.uid, node.attrs.gid)
      this.#setTimes(path, node.attrs)
    }
  }

  #makeFile(path: ByteString, { attrs, content }: File): Promise<void> | undefined {
    const descriptor = openSync(this.#host(path), 'wx', 0o600)
    const finish = () => {
      fchownSync(descriptor, attrs.uid, attrs.gid)
      // After chown, which clears setuid and setgid.
      fchmodSync(descriptor, attrs.mode)
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

  #setAttrs(path: ByteString, attrs: Attrs): void {
    const at = this.#host(path)
    lchownSync(at, attrs.uid, attrs.gid)
    chmodSync(at, attrs.mode)
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
