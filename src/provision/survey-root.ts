import { type BigIntStats, chmodSync, lstatSync, readdirSync } from 'node:fs'
import { OcibakeError, systemCode } from '../errors.ts'
import type { Report } from '../events.ts'
import { type ByteString, display } from '../oci/name.ts'
import type { Leaf, Special } from '../oci/node.ts'
import { Breath } from './breath.ts'
import { hostPath } from './host-path.ts'
import type { LaidOut } from './lay-out.ts'
import { modeOnDisk, type OwnerRecord, type OwnerRecords } from './owner-records.ts'
import { identityOf, isUntouched, type Stamp, stampOf } from './root-stamps.ts'

/** What lies at a path of a root after a script ran. */
export interface Found {
  readonly path: ByteString
  readonly name: ByteString
  readonly kind: 'directory' | Leaf['kind']
  readonly stamp: Stamp
  readonly size: number
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
  const surveyor = new Surveyor(laid, records, report, signal)
  const root = await surveyor.look('', '')
  return { root: root!, touched: surveyor.touched, alive: surveyor.alive }
}

class Surveyor {
  readonly touched: Found[] = []
  readonly alive = new Set<string>()
  readonly #laid: LaidOut
  readonly #records: OwnerRecords
  readonly #report: Report
  readonly #breath: Breath

  constructor(laid: LaidOut, records: OwnerRecords, report: Report, signal: AbortSignal) {
    this.#laid = laid
    this.#records = records
    this.#report = report
    this.#breath = new Breath(signal)
  }

  async look(path: ByteString, name: ByteString): Promise<Found | undefined> {
    if (this.#breath.isDue()) await this.#breath.take()
    const stat = readable(path, () => lstatSync(hostPath(this.#laid.root, path), { bigint: true }))
    const record = this.#records.get(identityOf(stat))
    const kind = kindOf(stat, record)
    if (kind === undefined) {
      const message = `The script left the socket /${display(path)}; a layer cannot hold one, so it is left out.`
      this.#report({ type: 'warning', message })
      return undefined
    }
    const stamp = stampOf(stat, this.#laid.owners, record)
    this.alive.add(stamp.identity)
    if (this.#laid.owners === 'recorded') this.#open(path, stat)
    const found =
      kind === 'directory' ? await this.#folder(path, name, stamp) : this.#leaf(path, name, kind, stat, stamp)
    if (found.isTouched) this.touched.push(found)
    return found
  }

  async #folder(path: ByteString, name: ByteString, stamp: Stamp): Promise<Found> {
    const was = this.#laid.stamps.folders.get(path)
    const names = readable(path, () => readdirSync(hostPath(this.#laid.root, path), { encoding: 'latin1' })).sort()
    const children: Found[] = []
    for (const child of names) {
      const found = await this.look(path === '' ? child : `${path}/${child}`, child)
      if (found !== undefined) children.push(found)
    }
    const isTouched = !isUntouched(was, stamp)
    return { path, name, kind: 'directory', stamp, size: 0, children, isTouched }
  }

  #leaf(path: ByteString, name: ByteString, kind: Leaf['kind'], stat: BigIntStats, stamp: Stamp): Found {
    const found = { path, name, kind, stamp, size: Number(stat.size) }
    const leaf = this.#laid.stamps.byIdentity.get(stamp.identity)
    if (leaf !== undefined && isUntouched(this.#laid.stamps.leaves.get(leaf), stamp)) {
      return { ...found, isTouched: false, untouched: leaf }
    }
    return { ...found, isTouched: true, ...(kind === 'special' ? { device: deviceOf(stat, stamp.record) } : {}) }
  }

  /** A script's root may read everything; the builder himself must be allowed to. The stamp has the mode that was. */
  #open(path: ByteString, stat: BigIntStats): void {
    const mode = Number(stat.mode) & 0o7777
    const wanted = stat.isDirectory() ? 0o700 : stat.isFile() ? 0o400 : 0
    if ((mode & wanted) !== wanted) chmodSync(hostPath(this.#laid.root, path), modeOnDisk(mode, stat.isDirectory()))
  }
}

function kindOf(stat: BigIntStats, record: OwnerRecord | undefined): Found['kind'] | undefined {
  if (record?.device) return 'special'
  if (stat.isDirectory()) return 'directory'
  if (stat.isFile()) return 'file'
  if (stat.isSymbolicLink()) return 'symlink'
  return stat.isSocket() ? undefined : 'special'
}

/** makedev(3) as glibc has it: 12 and 20 bits of each number are interleaved. */
function deviceOf(stat: BigIntStats, record: OwnerRecord | undefined): Pick<Special, 'type' | 'major' | 'minor'> {
  if (record?.device) return record.device
  if (stat.isFIFO()) return { type: 'fifo', major: 0, minor: 0 }
  const number = stat.rdev
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n)
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n)
  return { type: stat.isBlockDevice() ? 'block' : 'character', major: Number(major), minor: Number(minor) }
}

function readable<T>(path: ByteString, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (systemCode(error) !== 'ENAMETOOLONG') throw error
    const shown = display(path)
    throw new OcibakeError('PATH_INVALID', `The script made a path of ${path.length} bytes, too long to read.`, {
      hint: `Its start: /${shown.slice(0, 200)}`,
      cause: error,
    })
  }
}
