import type { Tree } from '../oci/node.ts'
import { lookUpUser } from './accounts.ts'
import type { AnsibleStep } from './ansible-step.ts'
import { makeWorkspace } from './ansible-workspace.ts'
import { Play } from './play.ts'
import { RunLog } from './run-log.ts'
import { readSecrets } from './run-secrets.ts'
import type { Tools } from './step.ts'
import { throughRoot } from './through-root.ts'
import { untouched } from './untouched.ts'

/**
 * The tree that playbooks leave behind. ansible-playbook of this machine performs them; its commands run in the sandbox,
 * where one agent lives as long as it does, so that what a task starts is there for the next. Paths of the step are
 * absolute. Nothing of Ansible stays in the tree, and nothing of it is written on this machine but in the store.
 * @throws TOOL_MISSING; RUN_FAILED with the task that failed; RUN_TIMEOUT; ACCOUNT_UNKNOWN; SANDBOX_UNAVAILABLE;
 * DISK_FULL; PATH_INVALID; USAGE for a secret; INTERRUPTED or the reason of the signal
 */
export async function ansible(tree: Tree, step: AnsibleStep, tools: Tools): Promise<Tree> {
  const { store, build } = tools
  if (step.user !== undefined) await lookUpUser(tree, step.user)
  const secrets = await readSecrets(step.secrets ?? [], build.env, await lookUpUser(tree, '0'))
  await using folder = await store.workFolder('ansible')
  const workspace = await makeWorkspace(step, folder.path, build, secrets.env)
  const log = new RunLog(build.logFile)
  try {
    const play = new Play({ step, tools, secrets, workspace, log })
    await play.install()
    return untouched('tmp', tree, await throughRoot(tree, tools, (...used) => play.perform(...used)))
  } finally {
    log.close()
  }
}
