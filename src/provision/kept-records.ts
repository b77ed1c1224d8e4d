import { constants } from 'node:fs'
import { NO_XATTRS } from '../oci/node.ts'
import { modeOnDisk, type OwnerRecord, type OwnerRecords } from './owner-records.ts'
import { eachEntry, type RootEntry } from './root-entries.ts'

const PLAIN: OwnerRecord = { uid: 0, gid: 0, mode: null, device: null, xattrs: NO_XATTRS }

/**
 * What of `records` is still true of the root at `root` after a script that nobody watched: owners, devices and
 * attributes of every file that is there still, and its mode unless the disk says that it was changed. What the script
 * closed to its owner is opened on the way, and its mode recorded.
 * @throws the reason of the signal
 */
export async function keptRecords(root: string, records: OwnerRecords, signal: AbortSignal): Promise<OwnerRecords> {
  const kept = new Map<string, OwnerRecord>()
  const look = (entry: RootEntry) => {
    const record = records.get(entry.identity)
    const mode = modeOf(entry, record)
    if (record !== undefined || mode !== null) kept.set(entry.identity, { ...(record ?? PLAIN), mode })
  }
  await eachEntry(root, { open: true }, look, signal)
  return kept
}

/** null: the disk's is the true one. */
function modeOf({ mode: onDisk }: RootEntry, record: OwnerRecord | undefined): number | null {
  const mode = onDisk & 0o7777
  const type = onDisk & constants.S_IFMT
  if (record?.mode != null && mode === modeOnDisk(record.mode, type === constants.S_IFDIR)) return record.mode
  const wanted = type === constants.S_IFDIR ? 0o700 : type === constants.S_IFREG ? 0o400 : 0
  return (mode & wanted) === wanted ? null : mode
}
