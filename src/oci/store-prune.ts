import { rm } from 'node:fs/promises'
import type { Store } from './store.ts'
import { listStore, type StoreEntry } from './store-list.ts'

export interface PruneOptions {
  /** Bytes that may stay; what was not used for longest goes first. */
  readonly maxSize?: number
  /** What was used within this time stays. */
  readonly olderThanMilliseconds?: number
  /** Milliseconds since 1970: what was used since then is as good as in use. Records have no other sign of it. */
  readonly usedSince?: number
}

export interface PruneReport {
  readonly removed: readonly StoreEntry[]
  /** Bytes. */
  readonly freed: number
  /** Bytes that stay, `inUse` included. */
  readonly kept: number
  /** Bytes that stay only because a build that is running may read them. */
  readonly inUse: number
}

/**
 * Removes what was not used lately: with `olderThanMilliseconds` all that is older, with `maxSize` the oldest until the
 * rest fits, with both what either says, with neither everything. What an open store has used stays. One that begins
 * to use something at this moment either keeps it or misses it, and fetches it anew.
 */
export async function pruneStore(store: Pick<Store, 'root'>, options: PruneOptions = {}): Promise<PruneReport> {
  const entries = (await listStore(store)).sort((a, b) => a.lastUsed - b.lastUsed)
  const removed: StoreEntry[] = []
  let [kept, inUse] = [0, 0]
  for (const { size } of entries) kept += size
  const now = Date.now()
  for (const entry of entries) {
    if (!isWanted(entry, kept, now, options)) continue
    if (entry.inUse || entry.lastUsed >= (options.usedSince ?? Number.POSITIVE_INFINITY)) {
      inUse += entry.size
      continue
    }
    for (const path of entry.paths) await rm(path, { force: true })
    removed.push(entry)
    kept -= entry.size
  }
  return { removed, freed: removed.reduce((sum, { size }) => sum + size, 0), kept, inUse }
}

/** Whether the options want this entry gone while `kept` bytes are there. */
function isWanted(entry: StoreEntry, kept: number, now: number, options: PruneOptions): boolean {
  const { maxSize, olderThanMilliseconds } = options
  if (maxSize === undefined && olderThanMilliseconds === undefined) return true
  if (olderThanMilliseconds !== undefined && now - entry.lastUsed > olderThanMilliseconds) return true
  return maxSize !== undefined && kept > maxSize
}
