import { readlinkSync } from 'node:fs'
import type { Report } from '../events.ts'
import type { Content } from '../oci/content.ts'
import type { ByteString } from '../oci/name.ts'
import {
  type Attrs,
  type Directory,
  type File,
  type Leaf,
  NO_XATTRS,
  type Node,
  type Special,
  sameAttrs,
  type Tree,
} from '../oci/node.ts'
import { Breath } from './breath.ts'
import { OF_THE_USER, readXattrs } from './host-attributes.ts'
import { hostPath } from './host-path.ts'
import type { LaidOut } from './lay-out.ts'
import type { OwnerRecords } from './owner-records.ts'
import type { Stamp } from './root-stamps.ts'
import { sameBytes } from './same-bytes.ts'
import { type Found, surveyRoot } from './survey-root.ts'

/** Where the content of changed files goes: `Spool` of src/oci/spool.ts. */
export interface FileSink {
  /** @param path of a regular file of the host that is `size` bytes long */
  appendFile(path: Buffer, size: number): Promise<Content>
}

/** A root that was read back. */
export interface ReadRoot {
  readonly tree: Tree
  /** What lies on the disk: the same paths. */
  readonly found: Found
  /** Whether nothing else lies there. */
  readonly isWhole: boolean
}

/**
 * The tree that a laid-out root has become. Every node that nothing touched is the same object as before, and so is
 * one that was touched and is equal again; a folder is the same object when its attributes and children are.
 * Names of one inode share one object. Only what did change is believed of the disk: an attribute that is as it was
 * laid out keeps the value of the old node, even if this disk could not hold that.
 * Sockets are dropped with a warning. Nothing may write to the root meanwhile.
 * @param records what is true of the root now, where owners are recorded
 * @throws DISK_FULL; PATH_INVALID for paths that became too long; the reason of the signal
 */
export async function readBack(
  laid: LaidOut,
  sink: FileSink,
  report: Report,
  signal: AbortSignal,
  records: OwnerRecords = laid.records,
): Promise<ReadRoot> {
  const survey = await surveyRoot(laid, records, report, signal)
  const { touched } = survey
  const paths = touched.map(({ path }) => path)
  const xattrs = await readXattrs(laid.root, paths, signal)
  const trueXattrs = (i: number) => (laid.owners === 'real' ? xattrs[i]! : withRecorded(xattrs[i]!, touched[i]!))
  const attributes = new Map(paths.map((path, i) => [path, trueXattrs(i)]))
  const reader = new RootReader(laid, sink, survey.alive, attributes, signal)
  const tree = (await reader.folder(survey.root, laid.tree)) as Tree
  return { tree, found: survey.root, isWhole: survey.isWhole }
}

class RootReader {
  readonly #laid: LaidOut
  readonly #sink: FileSink
  /** Identities of everything on disk. */
  readonly #alive: ReadonlySet<string>
  readonly #xattrs: ReadonlyMap<ByteString, Attrs['xattrs']>
  readonly #breath: Breath
  /** What each touched inode became, for its other names. */
  readonly #became = new Map<string, Leaf>()
  /** Which inode an old leaf was given to, if its own is gone. */
  readonly #given = new Map<Leaf, string>()

  constructor(
    laid: LaidOut,
    sink: FileSink,
    alive: ReadonlySet<string>,
    xattrs: ReadonlyMap<ByteString, Attrs['xattrs']>,
    signal: AbortSignal,
  ) {
    this.#laid = laid
    this.#sink = sink
    this.#alive = alive
    this.#xattrs = xattrs
    this.#breath = new Breath(signal)
  }

  async folder(found: Found, old: Node | undefined): Promise<Directory> {
    const before = old?.kind === 'directory' ? old : undefined
    const children = new Map<ByteString, Node>()
    for (const child of found.children!) {
      const was = before?.children.get(child.name)
      if (child.children !== undefined) children.set(child.name, await this.folder(child, was))
      else children.set(child.name, child.untouched ?? (await this.#leaf(child, was)))
    }
    const stamp = before === undefined ? undefined : this.#laid.stamps.folders.get(found.path)
    const attrs = found.isTouched ? this.#attrs(found, before?.attrs ?? undefined, stamp) : before!.attrs!
    if (before !== undefined && attrs === before.attrs && sameChildren(before.children, children)) return before
    return { kind: 'directory', attrs, opaque: false, children }
  }

  async #leaf(found: Found, was: Node | undefined): Promise<Leaf> {
    if (this.#breath.isDue()) await this.#breath.take()
    const { identity } = found.stamp
    const known = this.#became.get(identity)
    if (known !== undefined) return known
    const before = [this.#laid.stamps.byIdentity.get(identity), leafOnly(was)].filter((leaf) => leaf !== undefined)
    const made = await this.#make(found, before)
    const equal = before.find((leaf) => sameLeaf(leaf, made) && this.#mayGive(leaf, identity))
    const result = equal ?? made
    this.#became.set(identity, result)
    return result
  }

  /** One object at two inodes would claim a hard link that is none. */
  #mayGive(leaf: Leaf, identity: string): boolean {
    const own = this.#laid.stamps.leaves.get(leaf)!.identity
    if (own === identity) return true
    if (this.#alive.has(own)) return false
    const taker = this.#given.get(leaf)
    if (taker === undefined) this.#given.set(leaf, identity)
    return taker === undefined || taker === identity
  }

  async #make(found: Found, before: readonly Leaf[]): Promise<Leaf> {
    const base = before.find((leaf) => leaf.kind === found.kind)
    const stamp = base === undefined ? undefined : this.#laid.stamps.leaves.get(base)
    const attrs = this.#attrs(found, base?.attrs, stamp)
    if (found.kind === 'symlink') {
      const target = readlinkSync(hostPath(this.#laid.root, found.path), { encoding: 'latin1' })
      return { kind: 'symlink', attrs, target }
    }
    if (found.kind === 'special') return { kind: 'special', attrs, ...found.device! }
    // The name goes before the inode: whether a new file gets that of a deleted one is the disk's affair.
    const files = before.filter((leaf) => leaf.kind === 'file').reverse()
    return { kind: 'file', attrs, content: await this.#content(found, files) }
  }

  async #content(found: Found, before: readonly File[]): Promise<Content> {
    const path = hostPath(this.#laid.root, found.path)
    for (const { content } of before) if (await sameBytes(path, found.entry.size, content)) return content
    return this.#sink.appendFile(Buffer.from(path), found.entry.size)
  }

  #attrs(found: Found, old: Attrs | undefined, was: Stamp | undefined): Attrs {
    const { stamp } = found
    const attrs: Attrs = {
      mode: old !== undefined && stamp.mode === was?.mode ? old.mode : found.kind === 'symlink' ? 0o777 : stamp.mode,
      uid: old !== undefined && stamp.uid === was?.uid ? old.uid : stamp.uid,
      gid: old !== undefined && stamp.gid === was?.gid ? old.gid : stamp.gid,
      mtime: old !== undefined && stamp.modified === was?.modified ? old.mtime : wholeSeconds(stamp.modified),
      xattrs: this.#xattrs.get(found.path) ?? NO_XATTRS,
    }
    // Written in the very second that the old time names: the same number, but it was changed now.
    const isOld = old !== undefined && stamp.modified === was?.modified && sameAttrs(old, attrs)
    return isOld ? old : attrs
  }
}

/** The builder can give a file but these; what a host's kernel puts on it besides is none of the tree's. */
function withRecorded(onDisk: Attrs['xattrs'], { stamp }: Found): Attrs['xattrs'] {
  const own = [...onDisk].filter(([name]) => OF_THE_USER.test(name))
  const all = new Map([...own, ...(stamp.record?.xattrs ?? NO_XATTRS)])
  return all.size === 0 ? NO_XATTRS : all
}

function leafOnly(node: Node | undefined): Leaf | undefined {
  if (node?.kind === 'file' || node?.kind === 'symlink' || node?.kind === 'special') return node
  return undefined
}

function sameLeaf(a: Leaf, b: Leaf): boolean {
  if (a.attrs !== b.attrs) return false
  if (a.kind === 'file') return b.kind === 'file' && a.content === b.content
  if (a.kind === 'symlink') return b.kind === 'symlink' && a.target === b.target
  return b.kind === 'special' && sameDevice(a, b)
}

function sameDevice(a: Special, b: Special): boolean {
  return a.type === b.type && a.major === b.major && a.minor === b.minor
}

function sameChildren(a: ReadonlyMap<ByteString, Node>, b: ReadonlyMap<ByteString, Node>): boolean {
  if (a.size !== b.size) return false
  for (const [name, node] of b) if (a.get(name) !== node) return false
  return true
}

/** Rounded down, also before 1970. */
function wholeSeconds(nanoseconds: bigint): number {
  const seconds = nanoseconds / 1_000_000_000n
  return Number(nanoseconds % 1_000_000_000n < 0n ? seconds - 1n : seconds)
}
