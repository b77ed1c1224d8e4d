import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { digestOf } from '../../src/oci/digest.ts'
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
  const descriptor = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest: digestOf(blob),
    size: blob.length,
  }
  const diffId = digestOf(gunzipSync(blob))
  await store.ingestLayer(descriptor, diffId, async function* (start) {
    yield blob.subarray(start)
  })
  const source = await store.gzipSource({ ...descriptor, diffId }, new AbortController().signal)
  const tree = apply(EMPTY, await store.layerTree(diffId))
  return {
    store,
    tree,
    sources: { tars: [await store.layerTar(diffId)], gzips: source === undefined ? [] : [source], unpacked: [] },
  }
}
