import { join } from 'node:path'
import type { Digest } from '../../src/oci/digest.ts'
import { layerBytes } from '../../src/oci/layer-tar.ts'
import type { Directory } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { testFolder } from './folder.ts'

export interface Twice {
  readonly diffId: Digest
  /** As it is when the store has the raw tar and its index. */
  readonly eager: Directory
  /** As it is afterwards. */
  readonly late: Directory
}

/** Layers out of one store, which was closed and opened between. */
export async function twice<T>(
  layers: readonly Directory[],
  use: (all: readonly Twice[], store: Store) => T,
): Promise<Awaited<T>> {
  const root = join(await testFolder(), 'store')
  const diffIds: Digest[] = []
  const eager: Directory[] = []
  await using first = await Store.open(root)
  for (const layer of layers) diffIds.push((await first.ingestTar(layerBytes(layer))).diffId)
  for (const diffId of diffIds) eager.push(await first.layerTree(diffId))
  await first.close()
  await using second = await Store.open(root)
  const late = await Promise.all(diffIds.map((diffId) => second.layerTree(diffId)))
  const all = eager.map((one, i) => ({ diffId: diffIds[i]!, eager: one, late: late[i]! }))
  return await use(all, second)
}
