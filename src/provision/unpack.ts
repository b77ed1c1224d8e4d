import { OcibakeError } from '../errors.ts'
import { apply } from '../oci/apply.ts'
import { hexOf } from '../oci/digest.ts'
import type { Directory, Tree } from '../oci/node.ts'
import { lookUpUser } from './accounts.ts'
import { type Archive, fetchArchive } from './archive.ts'
import { archiveLayer, asArchiveFault, type LayerOptions } from './archive-layer.ts'
import { ArchiveTrees } from './archive-trees.ts'
import { newPath } from './glob.ts'
import { changed } from './s3-failure.ts'
import { sourceNames } from './start-fetch.ts'
import type { Tools, UnpackStep } from './step.ts'
import { takenLayers } from './take.ts'

/**
 * The tree with a tarball's members laid over it, as GNU tar run by root would extract them with the options of the
 * same names and `--no-same-owner`, or what is at `step.take` in it. A path in `step.unpack` is absolute here.
 * @throws what `fetchArchive`, `archiveLayer` and `takenLayers` throw; ACCOUNT_UNKNOWN
 */
export async function unpack(tree: Tree, step: UnpackStep, tools: Tools): Promise<Tree> {
  const owner = await ownerOf(tree, step.owner)
  const archive = await archiveOf(step, tools)
  try {
    const layers = layersOf(archive, step, tree, owner, tools.archiveTrees ?? new ArchiveTrees())
    return layers.reduce<Tree>((done, layer) => {
      tools.inputDated(newestIn(layer))
      if (archive.packed !== undefined) tools.unpacked?.(archive.packed, layer)
      return apply(done, layer)
    }, tree)
  } catch (error) {
    throw asArchiveFault(error, archive)
  }
}

function layersOf(
  archive: Archive,
  step: UnpackStep,
  tree: Tree,
  owner: NonNullable<LayerOptions['owner']>,
  trees: ArchiveTrees,
): readonly Directory[] {
  const { take } = step
  if (take !== undefined) return takenLayers(trees.of(archive, owner), archive, { ...step, take }, tree, owner)
  return [archiveLayer(archive, { ...step, owner, to: newPath(step.to) })]
}

async function archiveOf(step: UnpackStep, tools: Tools): Promise<Archive> {
  if (tools.taken?.kind !== 'archive') return await fetchArchive(step.unpack, step, tools)
  try {
    return await fetchArchive(step.unpack, { ...step, sha256: hexOf(tools.taken.digest) }, tools)
  } catch (error) {
    // The digest is none of the spec's: it is what the source had when the build began.
    const isOurs = step.sha256 === undefined && error instanceof OcibakeError && error.code === 'CHECKSUM_MISMATCH'
    throw isOurs ? changed(sourceNames(step.unpack).source) : error
  }
}

/** Of what was selected: the rest of the archive does not reach the image, and nor does its time. */
function newestIn(layer: Directory): number {
  let newest = 0
  const folders = [layer]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    newest = Math.max(newest, folder.attrs?.mtime ?? 0)
    for (const node of folder.children.values()) {
      if (node.kind === 'directory') folders.push(node)
      else if (node.kind !== 'whiteout') newest = Math.max(newest, node.attrs?.mtime ?? 0)
    }
  }
  return newest
}

async function ownerOf(tree: Tree, owner: string | undefined): Promise<NonNullable<LayerOptions['owner']>> {
  if (owner === undefined || owner === 'archive') return owner ?? { uid: 0, gid: 0 }
  const { uid, gid } = await lookUpUser(tree, owner)
  return { uid, gid }
}
