import type { Digest } from '../oci/digest.ts'
import { layerOfTar } from '../oci/layer-read.ts'
import type { Directory, Tree } from '../oci/node.ts'
import type { Store } from '../oci/store.ts'
import { applyDelta } from '../oci/tree-delta.ts'
import { findStepEntry, type StepEntry } from './cache-entries.ts'
import type { CacheRepo } from './cache-repo.ts'
import { readStepRecord, type StepRecord } from './step-record.ts'

/** Where results of scripts are looked for: here, then in the repository, if there is one. */
export interface ResultPlaces {
  readonly store: Store
  readonly cacheRepo?: CacheRepo | undefined
  readonly signal: AbortSignal
}

/** What is known of a script's result, which may be too old, or not be there any more when it is needed. */
export async function findResult(
  key: Digest,
  { store, cacheRepo, signal }: ResultPlaces,
): Promise<StepRecord | undefined> {
  const own = await readStepRecord(store, key)
  if (own !== undefined || cacheRepo === undefined) return own
  const found = (await findStepEntry(cacheRepo, key, signal))?.record
  // A layer that is fetched behind it is found by it when nobody can be asked.
  if (found !== undefined) await store.set(key, found)
  return found
}

/** What a script once made of the tree that it would be run on now. */
export interface TakenResult {
  readonly record: StepRecord
  readonly tree: Tree
  /** For people. */
  readonly from: 'the cache' | 'the cache repository'
}

/**
 * The result of a script that was run before on the same, on this machine or on another. What comes from another is in
 * the store from then on.
 * @param notBefore seconds: an older one is `too old`
 * @throws STORE_CORRUPT, DISK_FULL, the signal's reason
 */
export async function takeResult(
  key: Digest,
  tree: Tree,
  notBefore: number,
  places: ResultPlaces,
): Promise<TakenResult | 'too old' | undefined> {
  const { store, cacheRepo, signal } = places
  const own = await readStepRecord(store, key)
  if (own !== undefined && own.started < notBefore) return 'too old'
  const delta = own && (await store.findLayer(own.diffId))
  if (delta !== undefined) return { record: own!, tree: applyDelta(tree, layerOfTar(delta)), from: 'the cache' }
  const entry = cacheRepo && (await findStepEntry(cacheRepo, key, signal))
  if (entry === undefined) return undefined
  if (entry.record.started < notBefore) return 'too old'
  try {
    const after = applyDelta(tree, await fetchDelta(entry, cacheRepo!, places))
    await store.set(key, entry.record)
    return { record: entry.record, tree: after, from: 'the cache repository' }
  } catch (error) {
    cacheRepo!.refuse('step', key, error, signal)
    return undefined
  }
}

async function fetchDelta(
  { record, blob }: StepEntry,
  repo: CacheRepo,
  { store, signal }: ResultPlaces,
): Promise<Directory> {
  await store.ingestLayer(blob, record.diffId, (start) => repo.open(blob, start, signal), { signal })
  return await store.layerTree(record.diffId)
}
