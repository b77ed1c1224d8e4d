import type { Tree } from '../oci/node.ts'
import { changeAttrs } from './edit.ts'
import { changeMode } from './file-mode.ts'
import { globExisting } from './glob.ts'
import type { ChmodStep, Tools } from './step.ts'

/** The tree with other modes. Symlinks have none of their own and are left alone, as by chmod -R. */
export async function chmod(tree: Tree, step: ChmodStep, _tools: Tools): Promise<Tree> {
  return changeAttrs(tree, globExisting(tree, step.chmod), step.recursive ?? false, (attrs, node) => {
    if (node.kind === 'symlink') return attrs
    const mode = changeMode(attrs.mode, step.mode, node.kind === 'directory')
    return mode === attrs.mode ? attrs : { ...attrs, mode }
  })
}
