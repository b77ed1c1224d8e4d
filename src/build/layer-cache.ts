import type { Layer } from '../oci/layer.ts'
import type { Store } from '../oci/store.ts'
import type { Plan } from '../spec/plan.ts'
import { layerKey, resultKey, startKey, stepKey } from './cache-keys.ts'
import type { Made } from './make-tree.ts'
import { type LayerRecord, readLayerRecord, readStepRecord } from './step-record.ts'
import type { BuildInputs } from './take-inputs.ts'

/** The finished layer of a build into which the same went: neither the base nor any step is needed for it. */
export async function findLayer(
  store: Store,
  plan: Plan,
  { start, fingerprints, blobs }: BuildInputs,
): Promise<LayerRecord | undefined> {
  let key = startKey(start)
  for (const [i, { step }] of plan.steps.entries()) {
    key = stepKey(key, fingerprints[i]!)
    if (!('run' in step)) continue
    const record = await readStepRecord(store, key)
    if (record === undefined) return undefined
    key = resultKey(key, record.diffId)
  }
  const record = await readLayerRecord(store, layerKey(key, plan, blobs))
  if (record === undefined || record.layer === null) return record
  const { digest, size } = record.layer
  return (await store.has(digest)) && (await store.blobSize(digest)) === size ? record : undefined
}

/** Keeps the layer that was made of `made` for builds into which the same goes. */
export async function keepLayer(
  store: Store,
  plan: Plan,
  { blobs }: BuildInputs,
  made: Made,
  layer: Layer | undefined,
): Promise<void> {
  const { key, created, warnings } = made
  if (key === undefined) return
  const record: LayerRecord = { kind: 'layer', title: plan.name, layer: layer ?? null, created, warnings }
  await store.set(layerKey(key, plan, blobs), record)
}
