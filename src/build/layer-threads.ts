import { LayerThreads } from '../oci/layer-threads.ts'
import type { Store } from '../oci/store.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { copiesBaseBlocks } from './layer-sources.ts'

/** Compressed bytes of a base from which on threads are sure to be worth their start. */
const LARGE = 8 << 20

/** Threads for the layer that is going to be written, started while its tree is made; undefined when it may be small. */
export async function layerThreads(plan: Plan, base: Base, store: Store): Promise<LayerThreads | undefined> {
  const size = base.blobs.reduce((sum, blob) => sum + blob.size, 0)
  return copiesBaseBlocks(plan) && size >= LARGE ? await LayerThreads.start(store) : undefined
}
