import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import type { GzipSource } from '../../src/oci/gzip-source.ts'
import type { LayerSources } from '../../src/oci/layer-sources.ts'
import { EMPTY, type Tree } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { testFolder } from './folder.ts'

export interface Taken {
  readonly store: Store
  readonly tree: Tree
  readonly sources: LayerSources
}

/** A new store with a layer, compressed with gzip, for layers over it. */
export async function taken(blob: Buffer): Promise<Taken> {
  const store = await Store.open(join(await testFolder(), 'store'))
  onTestFinished(() => store.close())
  return await takenInto(store, [blob])
}

/** Layers of one image, from the lowest to the highest, for layers over it. */
export async function takenInto(store: Store, blobs: readonly Buffer[]): Promise<Taken> {
  const gzips = new Map<Digest, GzipSource | undefined>()
  const below: Digest[] = []
  let tree: Tree = EMPTY
  for (const blob of blobs) {
    const descriptor = {
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: digestOf(blob),
      size: blob.length,
    }
    const diffId = digestOf(gunzipSync(blob))
    await store.ingestLayer(descriptor, diffId, async function* (start) {
      yield blob.subarray(start)
    })
    gzips.set(diffId, await store.gzipSource({ ...descriptor, diffId }, new AbortController().signal))
    below.push(diffId)
    tree = apply(tree, await store.layerTree(diffId))
  }
  const tars = await Promise.all(Array.from(gzips.keys(), (diffId) => store.layerTar(diffId)))
  const known = [...gzips.values()].filter((source) => source !== undefined)
  return { store, tree, sources: { below, tars, gzips: known, unpacked: [] } }
}
