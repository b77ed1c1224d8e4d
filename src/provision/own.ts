import type { Tree } from '../oci/node.ts'
import { lookUpOwner } from './accounts.ts'
import { changeAttrs } from './edit.ts'
import { globExisting } from './glob.ts'
import type { OwnStep, Tools } from './step.ts'

/** The tree with other owners. Unlike chown(2) it keeps set-id bits and capabilities: only what was said changes. */
export async function own(tree: Tree, step: OwnStep, _tools: Tools): Promise<Tree> {
  const { uid, gid } = await lookUpOwner(tree, step.by)
  return changeAttrs(tree, globExisting(tree, step.own), step.recursive ?? true, (attrs) => {
    const wanted = { uid: uid ?? attrs.uid, gid: gid ?? attrs.gid }
    return wanted.uid === attrs.uid && wanted.gid === attrs.gid ? attrs : { ...attrs, ...wanted }
  })
}
