import { cacheTitles } from '../build/cache-titles.ts'
import { OcibakeError } from '../errors.ts'
import { silent } from '../events.ts'
import { listStore } from '../oci/store-list.ts'
import { pruneStore } from '../oci/store-prune.ts'
import { verifyStore } from '../oci/store-verify.ts'
import { titleLine } from '../report/lines.ts'
import { count, formatBytes } from '../report/quantities.ts'
import type { SessionOptions } from './options.ts'
import { openSession } from './session.ts'
import type { Surroundings } from './surroundings.ts'

export interface PruneActionOptions extends SessionOptions {
  /** Bytes. */
  readonly maxSize?: number
  /** Milliseconds. */
  readonly olderThan?: number
}

/** One line an entry: kind, size, last use, digest, and the step or spec that made it. */
export async function listCache(options: SessionOptions, around: Surroundings): Promise<void> {
  await using session = await openSession(options, around, silent)
  const entries = (await listStore(session.store)).sort((a, b) => b.lastUsed - a.lastUsed)
  const titles = await cacheTitles(entries)
  for (const { kind, size, lastUsed, digest } of entries) {
    const used = new Date(lastUsed).toISOString().slice(0, 19)
    const title = titles.has(digest) ? `  ${titleLine(titles.get(digest)!)}` : ''
    around.stdout(`${kind.padEnd(6)} ${formatBytes(size).padStart(9)}  ${used}  ${digest}${title}\n`)
  }
  const total = entries.reduce((sum, { size }) => sum + size, 0)
  around.stderr.write(`${entries.length} entries, ${formatBytes(total)} in ${session.store.root}\n`)
}

export async function pruneCache(options: PruneActionOptions, around: Surroundings): Promise<void> {
  await using session = await openSession(options, around, silent)
  const { removed, freed, kept, inUse } = await pruneStore(session.store, {
    ...(options.maxSize === undefined ? {} : { maxSize: options.maxSize }),
    ...(options.olderThan === undefined ? {} : { olderThanMilliseconds: options.olderThan }),
  })
  around.stdout(`${formatBytes(freed)}\n`)
  const used = inUse === 0 ? '' : `, ${formatBytes(inUse)} of it in use by a running build`
  around.stderr.write(`removed ${removed.length} entries, ${formatBytes(freed)}; kept ${formatBytes(kept)}${used}\n`)
}

/** @throws STORE_CORRUPT when something was damaged: it has been removed by then */
export async function verifyCache(options: SessionOptions, around: Surroundings): Promise<void> {
  await using session = await openSession(options, around, silent)
  const { checked, bytes, damaged } = await verifyStore(session.store, around.signal)
  around.stderr.write(`${checked} entries, ${formatBytes(bytes)} read in ${session.store.root}\n`)
  if (damaged.length === 0) return
  const list = damaged.map(({ entry, problem }) => `  ${entry.kind} ${entry.digest}: ${problem}`).join('\n')
  throw new OcibakeError('STORE_CORRUPT', `${count(damaged.length, 'damaged thing')} found and removed:\n${list}`, {
    hint: 'Build again: what is missing is fetched or made anew.',
  })
}
