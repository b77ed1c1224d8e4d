import { OcibakeError } from '../errors.ts'
import { decompress } from '../oci/decompress.ts'
import { type Digest, Digester } from '../oci/digest.ts'
import type { Layer } from '../oci/layer.ts'
import { stoppable } from '../oci/stoppable.ts'
import type { Store } from '../oci/store.ts'
import { type FoundMember, searchArchive } from '../secrets/search-archive.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import type { Plan } from '../spec/plan.ts'
import { findLayerEntry } from './cache-entries.ts'
import { layerKey } from './cache-keys.ts'
import { lastKey } from './known-results.ts'
import type { Made } from './make-tree.ts'
import type { OwnCredentials } from './own-credentials.ts'
import { refuseSecretMembers } from './search-image.ts'
import { isMarkOf, markOf } from './searched-for.ts'
import { type LayerRecord, readLayerRecord } from './step-record.ts'
import type { ResultPlaces } from './step-results.ts'
import type { BuildInputs } from './take-inputs.ts'

/** A layer that was made before, and the key of its record. */
export interface KnownLayer {
  readonly key: Digest
  readonly record: LayerRecord
  /** Another machine has made it: its blob need not be in the store, and nobody has looked whether it is what is said of it. */
  readonly isElsewhere: boolean
}

/** The finished layer of a build into which the same went: neither the base nor any step is needed for it. */
export async function findLayer(
  plan: Plan,
  inputs: BuildInputs,
  places: ResultPlaces,
): Promise<KnownLayer | undefined> {
  const { store, cacheRepo, signal } = places
  const last = await lastKey(plan, inputs, places)
  if (last === undefined) return undefined
  const key = layerKey(last, plan, inputs.blobs)
  const own = await readLayerRecord(store, key)
  if (own !== undefined && (await hasLayer(store, own))) return { key, record: own, isElsewhere: false }
  const record = cacheRepo && (await findLayerEntry(cacheRepo, key, plan, signal))
  return record && { key, record, isElsewhere: record.layer !== null }
}

async function hasLayer(store: Store, { layer }: LayerRecord): Promise<boolean> {
  return layer === null || ((await store.has(layer.digest)) && (await store.blobSize(layer.digest)) === layer.size)
}

/**
 * Brings a layer that is elsewhere into the store, for this build and later ones.
 * @param values looked for while its bytes are looked at anyway @returns where they are in it
 * @throws what is wrong with it: REGISTRY_*, BLOB_MISMATCH, DIFF_ID_MISMATCH, LAYER_INVALID; DISK_FULL; the signal's reason
 */
export async function fetchLayer(
  { key, record }: KnownLayer,
  { store, cacheRepo, signal }: ResultPlaces,
  values: readonly SecretValue[] = [],
): Promise<readonly FoundMember[]> {
  const { layer } = record
  if (layer === null) return []
  await store.ingestBlob(layer, (start) => cacheRepo!.open(layer, start, signal), { signal })
  let diffId: Digest | undefined
  const open = async function* () {
    const digester = new Digester()
    for await (const chunk of rawBytes(store, layer, signal)) {
      digester.update(chunk)
      yield chunk
    }
    diffId = digester.digest()
  }
  const found = await searchArchive(open, values)
  if (diffId === undefined) for await (const _ of open());
  if (diffId !== layer.diffId) {
    const message = `The layer ${layer.digest} unpacks to ${diffId}; its record says ${layer.diffId}.`
    throw new OcibakeError('DIFF_ID_MISMATCH', message)
  }
  await store.set(key, record)
  return found
}

/** Whether a layer was searched for all that this build has: it need not be searched for credentials that nobody knew then. */
export async function isSearched({ record }: KnownLayer, { kept }: OwnCredentials): Promise<boolean> {
  return record.layer === null || (await isMarkOf(record.searchedFor, kept))
}

/**
 * Searches a layer that is in the store.
 * @param searched what was found in it, by whoever has just searched it @throws SECRET_FOUND; the signal's reason
 */
export async function searchKnown(
  store: Store,
  plan: Plan,
  { key, record }: KnownLayer,
  { kept, all }: OwnCredentials,
  signal: AbortSignal,
  searched?: readonly FoundMember[],
): Promise<void> {
  const found = searched ?? (await searchArchive(() => rawBytes(store, record.layer!, signal), all))
  refuseSecretMembers(plan, found, all)
  await store.set(key, { ...record, searchedFor: await markOf(kept) } satisfies LayerRecord)
}

function rawBytes(store: Store, { digest }: Layer, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return stoppable(decompress(store.openBlob(digest), `layer ${digest}`), signal)
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
