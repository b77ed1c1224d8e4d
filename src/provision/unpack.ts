import { apply } from '../oci/apply.ts'
import type { Tree } from '../oci/node.ts'
import { lookUpUser } from './accounts.ts'
import { fetchArchive } from './archive.ts'
import { archiveLayer, type LayerOptions } from './archive-layer.ts'
import { imagePath } from './glob.ts'
import type { Tools, UnpackStep } from './step.ts'

/**
 * The tree with a tarball's members laid over it, as GNU tar run by root would extract them with the options of the
 * same names and `--no-same-owner`. A path in `step.unpack` is absolute here.
 * @throws what `fetchArchive` and `archiveLayer` throw; ACCOUNT_UNKNOWN
 */
export async function unpack(tree: Tree, step: UnpackStep, tools: Tools): Promise<Tree> {
  const owner = await ownerOf(tree, step.owner)
  const archive = await fetchArchive(step.unpack, step, tools)
  return apply(tree, archiveLayer(archive, { ...step, owner, to: imagePath(step.to) }))
}

async function ownerOf(tree: Tree, owner: string | undefined): Promise<NonNullable<LayerOptions['owner']>> {
  if (owner === undefined || owner === 'archive') return owner ?? { uid: 0, gid: 0 }
  const { uid, gid } = await lookUpUser(tree, owner)
  return { uid, gid }
}
