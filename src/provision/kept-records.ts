import { type BigIntStats, chmodSync, lstatSync, readdirSync } from 'node:fs'
import { modeOnDisk, type OwnerRecord, type OwnerRecords } from './owner-records.ts'
import { identityOf } from './root-stamps.ts'

/**
 * What of `records` is still true of the root at `root` after a script that nobody watched: owners, devices and
 * attributes of every file that is there still, and its mode unless the disk says that it was changed.
 */
export function keptRecords(root: string, records: OwnerRecords): OwnerRecords {
  const kept = new Map<string, OwnerRecord>()
  const look = (path: Buffer): void => {
    // Whoever reads the root back says what is wrong with such a path.
    if (path.byteLength > LONGEST_PATH) return
    const stat = lstatSync(path, { bigint: true })
    const identity = identityOf(stat)
    const record = records.get(identity)
    if (record !== undefined) kept.set(identity, { ...record, mode: modeOf(record, stat) })
    if (!stat.isDirectory()) return
    for (const name of namesIn(path, stat)) look(Buffer.concat([path, SLASH, name]))
  }
  look(Buffer.from(root))
  return kept
}

const SLASH = Buffer.from('/')
/** PATH_MAX of Linux, without the NUL. */
const LONGEST_PATH = 4095

function modeOf({ mode }: OwnerRecord, stat: BigIntStats): number | null {
  if (mode === null) return null
  return (Number(stat.mode) & 0o7777) === modeOnDisk(mode, stat.isDirectory()) ? mode : null
}

/** A folder that the script has closed to everybody is opened for as long as it takes. */
function namesIn(path: Buffer, stat: BigIntStats): Buffer[] {
  const mode = Number(stat.mode) & 0o7777
  const isOpen = (mode & 0o700) === 0o700
  if (!isOpen) chmodSync(path, mode | 0o700)
  try {
    return readdirSync(path, { encoding: 'buffer' })
  } finally {
    if (!isOpen) chmodSync(path, mode)
  }
}
