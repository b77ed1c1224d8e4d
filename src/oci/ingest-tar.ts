import { type Digest, digestOf, isDigest } from './digest.ts'
import { gathered } from './gathered.ts'
import type { Shelves } from './shelves.ts'
import type { IndexedTar } from './store-layers.ts'

/** A write costs as much as 20 KB of what is written, and the tar of a tree has two for each small file. */
const GATHERED = 1 << 17

export interface IngestTarOptions {
  /** Names the same bytes for ever (a digest of where and which), so that a tar of this key is taken in once. */
  readonly key?: Digest
  readonly signal?: AbortSignal
}

/** See `Store.ingestTar`. */
export async function ingestTar(
  shelves: Shelves,
  bytes: AsyncIterable<Uint8Array>,
  { key, signal }: IngestTarOptions,
): Promise<IndexedTar> {
  const known = key === undefined ? undefined : await findTar(shelves, key)
  if (known !== undefined) return known
  const { layers, records } = shelves
  const file = await layers.create()
  try {
    const tar = await layers.scan(gathered(bytes, GATHERED), file, signal)
    const { diffId } = tar
    await layers.commit(tar)
    if (key !== undefined) await records.set(recordKey(key), diffId)
    return await layers.opened(diffId)
  } finally {
    await file.discard()
  }
}

/** See `Store.findTar`. */
export async function findTar({ layers, records }: Shelves, key: Digest): Promise<IndexedTar | undefined> {
  const diffId = await records.get(recordKey(key))
  return isDigest(diffId) ? layers.open(diffId) : undefined
}

function recordKey(key: Digest): Digest {
  return digestOf(`ocibake tar of ${key}`)
}
