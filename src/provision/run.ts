import { OcibakeError } from '../errors.ts'
import { nanoseconds } from '../oci/duration.ts'
import type { Tree } from '../oci/node.ts'
import { lookUpUser } from './accounts.ts'
import { commandEnvironment } from './command-environment.ts'
import { outputTo, RunLog } from './run-log.ts'
import { runScript, scriptText } from './run-script.ts'
import { type RunSecrets, readSecrets } from './run-secrets.ts'
import type { SandboxCommand, SandboxExit } from './sandbox.ts'
import { shown } from './shown.ts'
import type { RunStep, Tools } from './step.ts'
import { throughRoot } from './through-root.ts'

/**
 * The tree that a script leaves behind. It runs in a sandbox in which the tree is `/`, with a clean environment:
 * PATH and HOME, the base's variables, proxies, the step's variables, its secrets, each over the one before.
 * Its output goes to the report and, whole, to the log file; secrets appear as `***` in both.
 * @throws RUN_FAILED, RUN_TIMEOUT with the last lines; ACCOUNT_UNKNOWN; SANDBOX_UNAVAILABLE; DISK_FULL; PATH_INVALID;
 * SPEC_INVALID for what only the running shows; INTERRUPTED or the reason of the signal
 */
export async function run(tree: Tree, step: RunStep, tools: Tools): Promise<Tree> {
  const { build } = tools
  const account = await lookUpUser(tree, step.user ?? '0')
  const secrets = await readSecrets(step.secrets ?? [], build.env, account)
  const script = runScript(step)
  const command: SandboxCommand = {
    ...account,
    argv: script.argv,
    env: { ...commandEnvironment(build, account.home), ...step.env, ...secrets.env },
    workdir: step.workdir ?? (build.baseWorkdir || '/'),
    network: step.network ?? 'host',
    secrets: new Map([...script.files, ...secrets.files]),
    ...(step.timeout === undefined ? {} : { timeout: milliseconds(step) }),
  }
  return await throughRoot(tree, tools, async (sandbox, laid, signal) => {
    const log = new RunLog(build.logFile)
    const onLine = outputTo(log, tools, secrets.redact)
    let exit: SandboxExit
    try {
      exit = await sandbox.run(laid.root, command, onLine, signal, laid.records)
    } finally {
      log.close()
    }
    if (exit.timedOut || exit.code !== 0) throw failure(step, exit, log, secrets)
    return exit
  })
}

const milliseconds = (step: RunStep) => nanoseconds(step.timeout!, 'timeout') / 1e6

function failure(step: RunStep, exit: SandboxExit, log: RunLog, secrets: RunSecrets): OcibakeError {
  const what = secrets.redact(title(step))
  const how = exit.timedOut
    ? `was still running after ${milliseconds(step) / 1000} s, and was killed`
    : exit.signal === undefined
      ? `ended with exit code ${exit.code}`
      : `was ended by ${exit.signal}`
  const lines = log.last.map((line) => `\n  ${shown(line)}`).join('')
  const message = `'${what}' ${how}${lines === '' ? ', and said nothing.' : `. It said last:${lines}`}`
  return new OcibakeError(exit.timedOut ? 'RUN_TIMEOUT' : 'RUN_FAILED', message, {
    hint: `The whole output: ${log.path}${exit.timedOut || !isSeveral(step) ? '' : `\n${WHICH}`}`,
  })
}

/** All lines are one script, of which the shell does not tell where it stopped. */
const WHICH = "With 'set -x' as the first command it shows each one."

function commandsOf(step: RunStep): string[] {
  const lines = scriptText(step)
    .split('\n')
    .map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

const isSeveral = (step: RunStep) => commandsOf(step).length > 1

/** As much of the script as fits into a line. */
function title(step: RunStep): string {
  const all = commandsOf(step).join('; ')
  return `${shown(all.slice(0, 160))}${all.length > 160 ? ' …' : ''}`
}
