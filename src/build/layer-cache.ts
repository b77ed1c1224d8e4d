import { decompress } from '../oci/decompress.ts'
import type { Digest } from '../oci/digest.ts'
import type { Layer } from '../oci/layer.ts'
import { stoppable } from '../oci/stoppable.ts'
import type { Store } from '../oci/store.ts'
import { searchArchive } from '../secrets/search-archive.ts'
import type { Plan } from '../spec/plan.ts'
import { layerKey } from './cache-keys.ts'
import { lastKey } from './known-results.ts'
import type { Made } from './make-tree.ts'
import type { OwnCredentials } from './own-credentials.ts'
import { refuseSecretMembers } from './search-image.ts'
import { isMarkOf, markOf } from './searched-for.ts'
import { type LayerRecord, readLayerRecord } from './step-record.ts'
import type { BuildInputs } from './take-inputs.ts'

/** A layer that was made before, and the key of its record. */
export interface KnownLayer {
  readonly key: Digest
  readonly record: LayerRecord
}

/** The finished layer of a build into which the same went: neither the base nor any step is needed for it. */
export async function findLayer(store: Store, plan: Plan, inputs: BuildInputs): Promise<KnownLayer | undefined> {
  const key = await lastKey(store, plan, inputs)
  if (key === undefined) return undefined
  const last = layerKey(key, plan, inputs.blobs)
  const record = await readLayerRecord(store, last)
  if (record === undefined) return undefined
  if (record.layer === null) return { key: last, record }
  const { digest, size } = record.layer
  return (await store.has(digest)) && (await store.blobSize(digest)) === size ? { key: last, record } : undefined
}

/**
 * Searches a layer for credentials that nobody knew when it was made: then it had none of those that this build has.
 * @throws SECRET_FOUND; the signal's reason
 */
export async function searchKnown(
  store: Store,
  plan: Plan,
  { key, record }: KnownLayer,
  { kept, all }: OwnCredentials,
  signal: AbortSignal,
): Promise<void> {
  const { layer, searchedFor } = record
  if (layer === null || (await isMarkOf(searchedFor, kept))) return
  const open = () => stoppable(decompress(store.openBlob(layer.digest), `layer ${layer.digest}`), signal)
  refuseSecretMembers(plan, await searchArchive(open, all), all)
  await store.set(key, { ...record, searchedFor: await markOf(kept) } satisfies LayerRecord)
}

/**
 * Keeps the layer that was made of `made`, and searched, for builds into which the same goes.
 * @param searchedFor the mark of what it was searched for
 * @throws DISK_FULL
 */
export async function keepLayer(
  store: Store,
  plan: Plan,
  { blobs }: BuildInputs,
  made: Made,
  layer: Layer | undefined,
  searchedFor: string,
): Promise<void> {
  const { created, warnings } = made
  const key = await made.key
  if (key === undefined) return
  const record: LayerRecord = { kind: 'layer', title: plan.name, layer: layer ?? null, created, warnings, searchedFor }
  await store.set(layerKey(key, plan, blobs), record)
}
