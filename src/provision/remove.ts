import type { Tree } from '../oci/node.ts'
import { without } from './edit.ts'
import { glob } from './glob.ts'
import type { RemoveStep, Tools } from './step.ts'

/** The tree without what the globs match. Nothing matched is no error, as for `rm -rf`; the report says so. */
export async function remove(tree: Tree, step: RemoveStep, tools: Tools): Promise<Tree> {
  const patterns = typeof step.remove === 'string' ? [step.remove] : step.remove
  return patterns.reduce((now, pattern) => {
    const paths = glob(now, pattern)
    if (paths.length === 0) tools.report({ type: 'note', message: `nothing to remove at ${pattern}` })
    return paths.reduce(without, now)
  }, tree)
}
