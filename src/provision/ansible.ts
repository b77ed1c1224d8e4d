import { OcibakeError } from '../errors.ts'
import type { Tree } from '../oci/node.ts'
import type { AnsibleStep, Tools } from './step.ts'

/** The tree that playbooks leave behind. @throws TOOL_MISSING */
export async function ansible(_tree: Tree, _step: AnsibleStep, _tools: Tools): Promise<Tree> {
  throw new OcibakeError('TOOL_MISSING', 'This ocibake cannot perform playbooks yet.')
}
