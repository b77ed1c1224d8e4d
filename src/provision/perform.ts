import type { Tree } from '../oci/node.ts'
import type { Step, Tools } from './step.ts'

/** The tree after one step; what a kind of step needs is loaded with the first of it. @throws what its function throws */
export async function perform(tree: Tree, step: Step, tools: Tools): Promise<Tree> {
  if ('copy' in step) return (await import('./copy.ts')).copy(tree, step, tools)
  if ('unpack' in step) return (await import('./unpack.ts')).unpack(tree, step, tools)
  if ('write' in step) return (await import('./write.ts')).write(tree, step, tools)
  if ('remove' in step) return (await import('./remove.ts')).remove(tree, step, tools)
  if ('own' in step) return (await import('./own.ts')).own(tree, step, tools)
  if ('chmod' in step) return (await import('./chmod.ts')).chmod(tree, step, tools)
  if ('link' in step) return (await import('./link.ts')).link(tree, step, tools)
  if ('ansible' in step) return (await import('./ansible.ts')).ansible(tree, step, tools)
  return (await import('./run.ts')).run(tree, step, tools)
}
