import type { Tree } from '../oci/node.ts'
import { chmod } from './chmod.ts'
import { copy } from './copy.ts'
import { link } from './link.ts'
import { own } from './own.ts'
import { remove } from './remove.ts'
import { run } from './run.ts'
import type { Step, Tools } from './step.ts'
import { unpack } from './unpack.ts'
import { write } from './write.ts'

/** The tree after one step. @throws what the step's own function throws */
export function perform(tree: Tree, step: Step, tools: Tools): Promise<Tree> {
  if ('copy' in step) return copy(tree, step, tools)
  if ('unpack' in step) return unpack(tree, step, tools)
  if ('write' in step) return write(tree, step, tools)
  if ('remove' in step) return remove(tree, step, tools)
  if ('own' in step) return own(tree, step, tools)
  if ('chmod' in step) return chmod(tree, step, tools)
  if ('link' in step) return link(tree, step, tools)
  return run(tree, step, tools)
}
