import { join } from 'node:path'
import type { Digest } from '../../src/oci/digest.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { layerOfTar } from '../../src/oci/layer-read.ts'
import type { Directory } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { testFolder } from './folder.ts'

export interface Twice {
  readonly diffId: Digest
  /** Of which all was read. */
  readonly eager: Directory
  /** As builds get it. */
  readonly late: Directory
}

/** Layers out of one store, which was closed and opened between. */
export async function twice<T>(
  layers: readonly Directory[],
  use: (all: readonly Twice[], store: Store) => T,
): Promise<Awaited<T>> {
  const root = join(await testFolder(), 'store')
  const diffIds: Digest[] = []
  await using first = await Store.open(root)
  for (const layer of layers) diffIds.push((await first.ingestTar(layerBytes(layer))).diffId)
  for (const diffId of diffIds) await first.layerTree(diffId)
  await first.close()
  await using second = await Store.open(root)
  const all = diffIds.map(async (diffId) => {
    return { diffId, eager: layerOfTar((await second.findLayer(diffId))!), late: await second.layerTree(diffId) }
  })
  return await use(await Promise.all(all), second)
}
