import { OcibakeError } from '../errors.ts'
import { nanoseconds } from '../oci/duration.ts'
import { DEFAULT_PATH } from '../oci/environment.ts'
import type { Tree } from '../oci/node.ts'
import { lookUpUser } from './accounts.ts'
import { readBack } from './read-back.ts'
import { RootKeeper } from './root-keeper.ts'
import { RunLog } from './run-log.ts'
import { runScript, scriptText } from './run-script.ts'
import { type RunSecrets, readSecrets } from './run-secrets.ts'
import type { SandboxCommand, SandboxExit } from './sandbox.ts'
import type { RunStep, Tools } from './step.ts'

/**
 * The tree that a script leaves behind. It runs in a sandbox in which the tree is `/`, with a clean environment:
 * PATH and HOME, the base's variables, proxies, the step's variables, its secrets, each over the one before.
 * Its output goes to the report and, whole, to the log file; secrets appear as `***` in both.
 * @throws RUN_FAILED, RUN_TIMEOUT with the last lines; ACCOUNT_UNKNOWN; SANDBOX_UNAVAILABLE; DISK_FULL; PATH_INVALID;
 * SPEC_INVALID for what only the running shows; INTERRUPTED or the reason of the signal
 */
export async function run(tree: Tree, step: RunStep, tools: Tools): Promise<Tree> {
  const { store, report, signal, build } = tools
  const account = await lookUpUser(tree, step.user ?? '0')
  const secrets = await readSecrets(step.secrets ?? [], build.env, account)
  const script = runScript(step)
  const command: SandboxCommand = {
    ...account,
    argv: script.argv,
    env: scriptEnvironment(step, tools, account.home, secrets),
    workdir: step.workdir ?? (build.baseWorkdir || '/'),
    network: step.network ?? 'host',
    secrets: new Map([...script.files, ...secrets.files]),
    ...(step.timeout === undefined ? {} : { timeout: milliseconds(step) }),
  }
  const sandbox = await tools.sandbox()
  if (sandbox.warning !== undefined) report({ type: 'warning', ...sandbox.warning })
  await using own = tools.roots === undefined ? new RootKeeper(store) : undefined
  const roots = tools.roots ?? own!
  const laid = await roots.layOut(tree, { newest: build.newest, owners: sandbox.owners, report, signal })
  const log = new RunLog(build.logFile)
  const onLine = (stream: 'stdout' | 'stderr', raw: string) => {
    const line = secrets.redact(raw)
    report({ type: 'output', step: build.step, stream, line })
    log.add(line)
  }
  let exit: SandboxExit
  try {
    exit = await sandbox.run(laid.root, command, onLine, signal, laid.records)
  } finally {
    log.close()
  }
  if (exit.timedOut || exit.code !== 0) throw failure(step, exit, log, secrets)
  // Its contents live as long as the build; only writing to it ends here.
  const spool = await store.spool()
  try {
    const read = await readBack(laid, spool, report, signal, exit.records)
    roots.keep(laid, read)
    return read.tree
  } finally {
    await spool.seal()
  }
}

function scriptEnvironment(step: RunStep, { build }: Tools, home: string, secrets: RunSecrets): Record<string, string> {
  return { PATH: DEFAULT_PATH, HOME: home, ...build.baseEnv, ...build.proxyEnv, ...step.env, ...secrets.env }
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

/** Errors hold no raw control characters: colours and cursor movements of a script stay in its log. */
function shown(line: string): string {
  return line.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, '?')
}
