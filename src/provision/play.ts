import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, OcibakeError } from '../errors.ts'
import { nanoseconds } from '../oci/duration.ts'
import { agentCommand, tellToQuit } from './agent.ts'
import { ansibleWarnings, readAnsibleEvents } from './ansible-events.ts'
import { ansibleFailed, ERROR_LINE } from './ansible-failure.ts'
import { ansibleProgram } from './ansible-programs.ts'
import type { AnsibleStep } from './ansible-step.ts'
import { type AnsibleWorkspace, SCRATCH } from './ansible-workspace.ts'
import { commandEnvironment } from './command-environment.ts'
import { runHostProgram } from './host-program.ts'
import type { LaidOut } from './lay-out.ts'
import { outputTo, type RunLog } from './run-log.ts'
import type { RunSecrets } from './run-secrets.ts'
import type { OnLine, Sandbox, SandboxCommand, SandboxExit } from './sandbox.ts'
import { shown } from './shown.ts'
import type { Tools } from './step.ts'
import { stopSignal } from './stop-signal.ts'

const MOST_ERRORS = 5

/** What Ansible's programs are used for, with what, and where their output goes. */
export interface PlayOptions {
  readonly step: AnsibleStep
  readonly tools: Tools
  readonly secrets: RunSecrets
  readonly workspace: AnsibleWorkspace
  readonly log: RunLog
}

/** One use of Ansible's programs. */
export class Play {
  readonly #options: PlayOptions
  readonly #onLine: OnLine
  readonly #errors: string[] = []

  constructor(options: PlayOptions) {
    this.#options = options
    const output = outputTo(options.log, options.tools, options.secrets.redact)
    this.#onLine = (stream, line) => {
      if (this.#errors.length < MOST_ERRORS && ERROR_LINE.test(line)) this.#errors.push(line)
      output(stream, line)
    }
  }

  /** Installs what the step requires of Ansible's galaxy. @throws TOOL_MISSING, RUN_FAILED, RUN_TIMEOUT, INTERRUPTED */
  async install(): Promise<void> {
    const { galaxyArgs } = this.#options.workspace
    if (galaxyArgs === undefined) return
    const { stop, isTimedOut, throwIfInterrupted } = stopSignal(this.#options.tools.signal, this.#timeout)
    const code = await this.#run('ansible-galaxy', galaxyArgs, stop)
    throwIfInterrupted()
    if (isTimedOut()) throw this.#tooLong('ansible-galaxy')
    if (code !== 0) throw await this.#failed('ansible-galaxy', code)
  }

  /**
   * Performs the playbooks; nothing of it runs any more when this settles. @returns how the sandbox ended: well
   * @throws TOOL_MISSING, RUN_FAILED, RUN_TIMEOUT, INTERRUPTED, SANDBOX_UNAVAILABLE
   */
  async perform(sandbox: Sandbox, laid: LaidOut, signal: AbortSignal): Promise<SandboxExit> {
    const { socket, playArgs } = this.#options.workspace
    const { throwIfInterrupted } = stopSignal(signal, undefined)
    const [over, ended] = [new AbortController(), new AbortController()]
    const inside = sandbox
      .run(laid.root, await this.#agent(), this.#onLine, AbortSignal.any([signal, over.signal]), laid.records)
      .finally(() => ended.abort())
    // Whoever comes to wait for it gets the failure.
    inside.catch(() => {})
    try {
      const code = await this.#run('ansible-playbook', playArgs, AbortSignal.any([signal, ended.signal]))
      throwIfInterrupted()
      while (!(await tellToQuit(socket)) && !ended.signal.aborted) {
        // Who fails before there is an agent does not wait for it; who has nothing to ask it does.
        if (code !== 0) throw await this.#failed('ansible-playbook', code)
        await sleep(20)
      }
      const exit = await inside
      if (exit.timedOut || exit.code !== 0) throw this.#endedEarly(exit)
      if (code !== 0) throw await this.#failed('ansible-playbook', code)
      await this.#warn()
      return exit
    } finally {
      over.abort()
      await inside.catch(() => {})
    }
  }

  async #agent(): Promise<SandboxCommand> {
    const { tools, step, workspace } = this.#options
    const { build } = tools
    return await agentCommand(workspace.socket, SCRATCH, {
      // Modules that run as root would leave bytecode beside the libraries of the image's Python.
      env: { PYTHONDONTWRITEBYTECODE: '1', ...commandEnvironment(build, '/root') },
      workdir: build.baseWorkdir || '/',
      network: step.network ?? 'host',
      ...(this.#timeout === undefined ? {} : { timeout: this.#timeout }),
    })
  }

  async #run(name: 'ansible-galaxy' | 'ansible-playbook', args: readonly string[], stop: AbortSignal): Promise<number> {
    const { tools, workspace } = this.#options
    const { env, folder } = tools.build
    const argv = [await ansibleProgram(name, env), ...args]
    return await runHostProgram({ argv, env: workspace.env, folder }, this.#onLine, stop)
  }

  get #timeout(): number | undefined {
    const { timeout } = this.#options.step
    return timeout === undefined ? undefined : nanoseconds(timeout, 'timeout') / 1e6
  }

  get #title(): string {
    const { step, tools } = this.#options
    return [step.ansible]
      .flat()
      .map((path) => relative(tools.build.folder, path))
      .join(' ')
  }

  /** The sandbox is gone before the playbooks were at their end. */
  #endedEarly(exit: SandboxExit): OcibakeError {
    if (exit.timedOut) return this.#tooLong('ansible-playbook')
    return this.#error('RUN_FAILED', `The agent in the sandbox ended with exit code ${exit.code}`)
  }

  #tooLong(program: string): OcibakeError {
    const seconds = this.#timeout! / 1000
    return this.#error('RUN_TIMEOUT', `${program} ${this.#title} was still running after ${seconds} s, and was killed`)
  }

  #error(code: ErrorCode, what: string): OcibakeError {
    const { log } = this.#options
    const lines = log.last.map((line) => `\n  ${shown(line)}`).join('')
    const message = `${what}${lines === '' ? ', and said nothing.' : `. It said last:${lines}`}`
    return new OcibakeError(code, message, { hint: `The whole output: ${log.path}` })
  }

  async #failed(program: string, code: number): Promise<OcibakeError> {
    const { tools, workspace, log, secrets } = this.#options
    return ansibleFailed({
      program: `${program} ${this.#title}`,
      code,
      events: await readAnsibleEvents(workspace.events),
      errors: this.#errors,
      last: log.last,
      logFile: log.path,
      folder: tools.build.folder,
      redact: secrets.redact,
    })
  }

  async #warn(): Promise<void> {
    const { workspace, tools } = this.#options
    const events = await readAnsibleEvents(workspace.events)
    for (const warning of ansibleWarnings(events, workspace.host)) tools.report({ type: 'warning', ...warning })
  }
}
