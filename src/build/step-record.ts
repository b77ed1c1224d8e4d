import type { Digest } from '../oci/digest.ts'
import type { Layer } from '../oci/layer.ts'
import type { Store } from '../oci/store.ts'
import type { Warning } from './warnings.ts'

/** What the store keeps of a script that succeeded, under the key of its step. */
export interface StepRecord {
  readonly kind: 'step'
  /** For people: `run apt-get update`. */
  readonly title: string
  /** Of the delta of the tree, which is in the store like a layer. */
  readonly diffId: Digest
  /** When it began, whole seconds since 1970 UTC. */
  readonly started: number
  /** What is said again when it is not run again. */
  readonly warnings: readonly Warning[]
}

/** What the store keeps of a finished layer, under the key of all that it is made of. */
export interface LayerRecord {
  readonly kind: 'layer'
  /** For people: the spec's name. */
  readonly title: string
  /** null: nothing was to be appended. */
  readonly layer: Layer | null
  /** The image's time, seconds since 1970 UTC. */
  readonly created: number
  readonly warnings: readonly Warning[]
  /** Of the credentials that were looked for in it: see `markOf`. */
  readonly searchedFor: string
}

export async function readStepRecord(store: Store, key: Digest): Promise<StepRecord | undefined> {
  const record = (await store.get(key)) as StepRecord | undefined
  return record?.kind === 'step' ? record : undefined
}

export async function readLayerRecord(store: Store, key: Digest): Promise<LayerRecord | undefined> {
  const record = (await store.get(key)) as LayerRecord | undefined
  return record?.kind === 'layer' ? record : undefined
}
