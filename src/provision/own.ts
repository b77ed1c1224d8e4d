import type { Attrs, Tree } from '../oci/node.ts'
import { lookUpOwner } from './accounts.ts'
import { changeAttrs } from './edit.ts'
import { globExisting } from './glob.ts'
import type { OwnStep, Tools } from './step.ts'

/** The tree with other owners. Unlike chown(2) it keeps set-id bits and capabilities: only what was said changes. */
export async function own(tree: Tree, step: OwnStep, _tools: Tools): Promise<Tree> {
  const { uid, gid } = await lookUpOwner(tree, step.by)
  // Files that shared their attributes go on sharing them: there may be half a million.
  const owned = new Map<Attrs, Attrs>()
  return changeAttrs(tree, globExisting(tree, step.own), step.recursive ?? true, (attrs) => {
    const known = owned.get(attrs)
    if (known !== undefined) return known
    const wanted = { uid: uid ?? attrs.uid, gid: gid ?? attrs.gid }
    const now = wanted.uid === attrs.uid && wanted.gid === attrs.gid ? attrs : { ...attrs, ...wanted }
    owned.set(attrs, now)
    return now
  })
}
