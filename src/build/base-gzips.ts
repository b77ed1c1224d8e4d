import type { Digest } from '../oci/digest.ts'
import type { GzipSource } from '../oci/gzip-source.ts'
import type { Layer } from '../oci/layer.ts'
import type { Store } from '../oci/store.ts'

/**
 * The layers that are compressed with gzip, with their blobs' blocks: one for each raw tar, the first that there is.
 * All of them are in the store.
 * @throws STORE_CORRUPT; the reason of the signal
 */
export async function baseGzips(
  store: Store,
  layers: readonly Layer[],
  signal: AbortSignal,
): Promise<readonly GzipSource[]> {
  const found = await Promise.all(layers.map((layer) => store.gzipSource(layer, signal)))
  const sources = new Map<Digest, GzipSource>()
  for (const [i, { diffId }] of layers.entries()) {
    const source = found[i]
    if (source !== undefined && !sources.has(diffId)) sources.set(diffId, source)
  }
  return [...sources.values()]
}
