import { readFile } from 'node:fs/promises'
import type { Digest } from '../oci/digest.ts'
import { recordIn } from '../oci/record-bytes.ts'
import type { StoreEntry } from '../oci/store-list.ts'
import type { LayerRecord, StepRecord } from './step-record.ts'

/** Bytes. Records of steps and layers are far smaller; those of tables of files are not looked into. */
const LONGEST = 64 * 1024

/**
 * What people would call the layers and blobs that builds have made, by their digest: `step run make install`, `layer of
 * memcached`. Looking does not count as use.
 */
export async function cacheTitles(entries: readonly StoreEntry[]): Promise<Map<Digest, string>> {
  const titles = new Map<Digest, string>()
  for (const { kind, digest, size, paths } of entries) {
    if (kind !== 'record' || size > LONGEST) continue
    // Pruned or replaced just now: then it has no title.
    const bytes = await readFile(paths[0]!).catch(() => undefined)
    const record = bytes && (recordIn(bytes, digest) as Partial<StepRecord | LayerRecord> | undefined)
    if (record?.kind === 'step') titles.set(record.diffId!, `step ${record.title}`)
    else if (record?.kind === 'layer' && record.layer) titles.set(record.layer.digest, `layer of ${record.title}`)
  }
  return titles
}
