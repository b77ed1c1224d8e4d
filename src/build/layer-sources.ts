import type { LayerSources } from '../oci/layer-sources.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'

/** Whether the layer may have blocks of the base's gzip blobs in it, as they are. */
export function copiesBlocks({ layers, compression }: Pick<Plan, 'layers' | 'compression'>): boolean {
  return layers === 'squash' && compression === 'gzip'
}

/** What the layer of this plan may have parts of: decided by plan and base alone. @throws what `Base.gzips` throws */
export async function layerSources(plan: Plan, base: Base): Promise<LayerSources> {
  if (plan.layers === 'append') return { tars: [], gzips: [] }
  return { tars: await base.tars(), gzips: copiesBlocks(plan) ? await base.gzips() : [] }
}
