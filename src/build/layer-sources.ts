import type { Digest } from '../oci/digest.ts'
import type { GzipSource } from '../oci/gzip-source.ts'
import type { PackedTarball } from '../oci/ingest-tarball.ts'
import type { LayerSources } from '../oci/layer-sources.ts'
import type { Store } from '../oci/store.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'

/** Whether the layer may have blocks of the gzip blobs in it that the base and tarballs came in. */
export function copiesBlocks({ layers, compression }: Pick<Plan, 'layers' | 'compression'>): boolean {
  return layers === 'squash' && compression === 'gzip'
}

/**
 * What the layer may have parts of: decided by plan, base and tarballs alone, whatever the store has.
 * @param base whose tree was asked for
 * @throws STORE_CORRUPT; the reason of the signal
 */
export async function layerSources(
  plan: Plan,
  base: Base,
  tarballs: readonly PackedTarball[],
  { store, signal }: { readonly store: Store; readonly signal: AbortSignal },
): Promise<LayerSources> {
  if (plan.layers === 'append') return { tars: [], gzips: [] }
  const gzips = copiesBlocks(plan) ? await gzipSources([...base.blobs, ...tarballs], store, signal) : []
  return { tars: await base.tars(), gzips }
}

/** One for each raw tar: the first that there is. */
async function gzipSources(blobs: readonly PackedTarball[], store: Store, signal: AbortSignal): Promise<GzipSource[]> {
  const found = await Promise.all(blobs.map((blob) => store.gzipSource(blob, signal)))
  const sources = new Map<Digest, GzipSource>()
  for (const [i, { diffId }] of blobs.entries()) {
    const source = found[i]
    if (source !== undefined && !sources.has(diffId)) sources.set(diffId, source)
  }
  return [...sources.values()]
}
