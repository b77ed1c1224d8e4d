import { LayerThreads } from '../oci/layer-threads.ts'
import type { Store } from '../oci/store.ts'
import type { Plan } from '../spec/plan.ts'
import { addsNothing } from './make-tree.ts'

/**
 * Threads for the layer that is going to be written, started while its tree is made: even the smallest layer would have
 * to wait for one. undefined when there will be none, or another than gzip's.
 */
export async function layerThreads(plan: Plan, store: Store): Promise<LayerThreads | undefined> {
  return plan.compression === 'gzip' && !addsNothing(plan) ? await LayerThreads.start(store) : undefined
}
