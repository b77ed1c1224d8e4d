import type { Digest } from '../oci/digest.ts'
import type { GzipSource } from '../oci/gzip-source.ts'
import type { PackedTarball } from '../oci/ingest-tarball.ts'
import type { LayerSources } from '../oci/layer-sources.ts'
import type { Directory } from '../oci/node.ts'
import type { Store } from '../oci/store.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'

/** Whether the layer may have blocks of the gzip blobs in it that tarballs came in. */
export function copiesBlocks({ compression, recompress }: Pick<Plan, 'compression' | 'recompress'>): boolean {
  return compression === 'gzip' && !recompress
}

/** Whether it may have blocks of the base's. */
export function copiesBaseBlocks(plan: Pick<Plan, 'layers' | 'compression' | 'recompress'>): boolean {
  return plan.layers === 'squash' && copiesBlocks(plan)
}

/** A tarball of a step, and what it laid over the image. */
export interface LaidTarball {
  readonly packed: PackedTarball
  readonly layer: Directory
}

/**
 * What the layer may have parts of: decided by plan, base and tarballs alone, whatever the store has.
 * @param base whose tree was asked for
 * @throws STORE_CORRUPT; the reason of the signal
 */
export async function layerSources(
  plan: Plan,
  base: Base,
  tarballs: readonly LaidTarball[],
  { store, signal }: { readonly store: Store; readonly signal: AbortSignal },
): Promise<LayerSources> {
  const blobs = [
    ...(copiesBaseBlocks(plan) ? base.blobs : []),
    ...(copiesBlocks(plan) ? tarballs.map(({ packed }) => packed) : []),
  ]
  return {
    below: plan.layers === 'squash' ? base.contents : [],
    tars: plan.layers === 'squash' ? await base.tars() : [],
    gzips: await gzipSources(blobs, store, signal),
    unpacked: tarballs.map(({ layer }) => layer),
  }
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
