import { apply } from '../oci/apply.ts'
import type { Directory, Tree } from '../oci/node.ts'
import { walk } from '../oci/walk.ts'
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
  const layer = archiveLayer(archive, { ...step, owner, to: imagePath(step.to) })
  tools.inputDated(newestIn(layer))
  return apply(tree, layer)
}

/** Of what was selected: the rest of the archive does not reach the image, and nor does its time. */
function newestIn(layer: Directory): number {
  let newest = 0
  for (const [, node] of walk(layer)) if ('attrs' in node && node.attrs) newest = Math.max(newest, node.attrs.mtime)
  return newest
}

async function ownerOf(tree: Tree, owner: string | undefined): Promise<NonNullable<LayerOptions['owner']>> {
  if (owner === undefined || owner === 'archive') return owner ?? { uid: 0, gid: 0 }
  const { uid, gid } = await lookUpUser(tree, owner)
  return { uid, gid }
}
