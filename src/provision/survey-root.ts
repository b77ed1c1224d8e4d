import { constants } from 'node:fs'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { type ByteString, display } from '../oci/name.ts'
import type { Leaf, Special } from '../oci/node.ts'
import { WHITEOUT_PREFIX } from '../oci/whiteout-name.ts'
import type { LaidOut } from './lay-out.ts'
import type { OwnerRecord, OwnerRecords } from './owner-records.ts'
import { eachEntry, type RootEntry } from './root-entries.ts'
import { isUntouched, type Stamp, stampOf } from './root-stamps.ts'

/** What lies at a path of a root after a script ran. */
export interface Found {
  readonly path: ByteString
  readonly name: ByteString
  readonly kind: 'directory' | Leaf['kind']
  readonly stamp: Stamp
  readonly entry: RootEntry
  /** Of a directory alone, sorted by name. */
  readonly children?: readonly Found[]
  readonly device?: Pick<Special, 'type' | 'major' | 'minor'>
  readonly isTouched: boolean
  /** The leaf that was laid out here, or under another name, if nothing of it was touched. */
  readonly untouched?: Leaf
}

export interface Survey {
  readonly root: Found
  /** What has to be looked at, folders too. */
  readonly touched: readonly Found[]
  readonly alive: ReadonlySet<string>
  /** Whether nothing was left out. */
  readonly isWhole: boolean
}

/**
 * Looks at every path of a root, and reads nothing but names and stats. `records` are true of the root now.
 * Where owners are recorded, what the builder could not read is opened up for him on the way.
 * @throws PATH_INVALID, the signal's reason
 */
export async function surveyRoot(
  laid: LaidOut,
  records: OwnerRecords,
  report: Report,
  signal: AbortSignal,
): Promise<Survey> {
  const surveyor = new Surveyor(laid, records, report)
  await eachEntry(laid.root, { open: laid.owners === 'recorded' }, (entry) => surveyor.see(entry), signal)
  return { root: surveyor.root!, touched: surveyor.touched, alive: surveyor.alive, isWhole: surveyor.isWhole }
}

const PATH_MAX = 4096

class Surveyor {
  root: Found | undefined
  readonly touched: Found[] = []
  readonly alive = new Set<string>()
  isWhole = true
  readonly #laid: LaidOut
  readonly #records: OwnerRecords
  readonly #report: Report
  /** The folders that the next entry may lie in, the deepest last. */
  readonly #open: { readonly prefix: ByteString; readonly children: Found[] }[] = []

  constructor(laid: LaidOut, records: OwnerRecords, report: Report) {
    this.#laid = laid
    this.#records = records
    this.#report = report
  }

  see(entry: RootEntry): void {
    const { path, identity } = entry
    if (this.#laid.root.length + 1 + path.length >= PATH_MAX) throw tooLong(path)
    const record = this.#records.get(identity)
    const kind = kindOf(entry, record)
    if (kind === undefined) {
      const message = `The script left the socket /${display(path)}; a layer cannot hold one, so it is left out.`
      this.#report({ type: 'warning', message })
      this.isWhole = false
      return
    }
    if (nameOf(entry).startsWith(WHITEOUT_PREFIX)) throw deletion(path)
    const stamp = stampOf(entry, this.#laid.owners, record)
    this.alive.add(identity)
    const found = kind === 'directory' ? this.#folder(entry, stamp) : this.#leaf(entry, kind, stamp)
    this.#put(found)
    if (found.isTouched) this.touched.push(found)
  }

  #put(found: Found): void {
    while (this.#open.length > 0 && !found.path.startsWith(this.#open.at(-1)!.prefix)) this.#open.pop()
    if (this.#open.length === 0) this.root = found
    else this.#open.at(-1)!.children.push(found)
    const children = found.children as Found[] | undefined
    if (children !== undefined) this.#open.push({ prefix: found.path === '' ? '' : `${found.path}/`, children })
  }

  #folder(entry: RootEntry, stamp: Stamp): Found {
    const was = this.#laid.stamps.folders.get(entry.path)
    const isTouched = !isUntouched(was, stamp)
    return { path: entry.path, name: nameOf(entry), kind: 'directory', stamp, entry, children: [], isTouched }
  }

  #leaf(entry: RootEntry, kind: Leaf['kind'], stamp: Stamp): Found {
    const found = { path: entry.path, name: nameOf(entry), kind, stamp, entry }
    const leaf = this.#laid.stamps.byIdentity.get(stamp.identity)
    if (leaf !== undefined && isUntouched(this.#laid.stamps.leaves.get(leaf), stamp)) {
      return { ...found, isTouched: false, untouched: leaf }
    }
    return { ...found, isTouched: true, ...(kind === 'special' ? { device: deviceOf(entry, stamp.record) } : {}) }
  }
}

const nameOf = ({ path }: RootEntry) => path.slice(path.lastIndexOf('/') + 1)

function kindOf({ mode }: RootEntry, record: OwnerRecord | undefined): Found['kind'] | undefined {
  if (record?.device) return 'special'
  switch (mode & constants.S_IFMT) {
    case constants.S_IFDIR:
      return 'directory'
    case constants.S_IFREG:
      return 'file'
    case constants.S_IFLNK:
      return 'symlink'
    case constants.S_IFSOCK:
      return undefined
    default:
      return 'special'
  }
}

function deviceOf({ mode, major, minor }: RootEntry, record: OwnerRecord | undefined): NonNullable<Found['device']> {
  if (record?.device) return record.device
  const type = mode & constants.S_IFMT
  if (type === constants.S_IFIFO) return { type: 'fifo', major: 0, minor: 0 }
  return { type: type === constants.S_IFBLK ? 'block' : 'character', major, minor }
}

/** Said here, where it is known which step made it; the layer knows only that it cannot have it. */
function deletion(path: ByteString): OcibakeError {
  const says = `The script left /${display(path)}, which no image can have: in a layer, '${WHITEOUT_PREFIX}' before a name says that the file is deleted.`
  return new OcibakeError('PATH_INVALID', says, { hint: 'Give it another name, or remove it in the same script.' })
}

function tooLong(path: ByteString): OcibakeError {
  return new OcibakeError('PATH_INVALID', `The script made a path of ${path.length} bytes, too long to read.`, {
    hint: `Its start: /${display(path).slice(0, 200)}`,
  })
}
