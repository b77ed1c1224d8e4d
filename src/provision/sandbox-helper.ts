import { mkdtemp, rmdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { type HelperExit, runHelper } from './helper-process.ts'
import { HOSTNAME, hostFiles } from './host-files.ts'
import { helperOrRefusal, type NativeProgram } from './native-helper.ts'
import { decodeRecords, type OwnerRecords } from './owner-records.ts'
import type { OnLine, Sandbox, SandboxCommand, SandboxExit, SandboxRefusal } from './sandbox.ts'
import { sandboxRequest } from './sandbox-request.ts'
import { stopSignal } from './stop-signal.ts'

/** A sandbox that a verb of the native helper makes. */
export interface HelperVerb {
  /** Of the helper and of the sandbox. */
  readonly name: 'chroot' | 'userns' | 'ptrace'
  readonly program?: NativeProgram
  readonly owners: Sandbox['owners']
  readonly why: string
  /** What to do when the kernel refused what `status` says. */
  refuse(status: string): Promise<SandboxRefusal>
}

/** Does the real thing in an empty folder below `folder`. */
export async function probeVerb(verb: HelperVerb, folder: string): Promise<Sandbox | SandboxRefusal> {
  const helper = await helperOrRefusal(verb.program)
  if (typeof helper !== 'string') return helper
  const root = await mkdtemp(join(folder, 'probe-'))
  try {
    const request = sandboxRequest({}, new Map())
    const { status } = await runHelper(helper, [`probe-${verb.name}`, '--root', root], request, () => {})
    return status === 'exited 0' ? sandboxOf(verb, helper) : await verb.refuse(status || 'no answer')
  } finally {
    await rmdir(root)
  }
}

function sandboxOf(verb: HelperVerb, helper: string): Sandbox {
  const { name, owners, why } = verb
  return {
    name,
    owners,
    why,
    run: (root, command, onLine, signal, records) => runVerb(verb, helper, { root, command, onLine, signal, records }),
  }
}

interface Running {
  readonly root: string
  readonly command: SandboxCommand
  readonly onLine: OnLine
  readonly signal: AbortSignal
  readonly records: OwnerRecords | undefined
}

async function runVerb(verb: HelperVerb, helper: string, running: Running): Promise<SandboxExit> {
  const { root, command, onLine, signal, records } = running
  const { stop, isTimedOut, throwIfInterrupted } = stopSignal(signal, command.timeout)
  throwIfInterrupted()
  const files = new Map([...(await hostFiles(command.network)), ...command.secrets])
  const request = sandboxRequest(command.env, files, command.stdin, records)
  const ended = await runHelper(helper, helperArguments(verb.name, root, command), request, onLine, stop)
  if (ended.lineError !== undefined) throw ended.lineError
  throwIfInterrupted()
  const exit = exitOf(ended, command, isTimedOut())
  return verb.owners === 'real' || exit.code !== 0 ? exit : { ...exit, records: decodeRecords(ended.records) }
}

function helperArguments(verb: string, root: string, command: SandboxCommand): string[] {
  const { uid, gid, groups, workdir, network, listen } = command
  const socket = listen === undefined ? {} : { listen }
  const options = { root, uid, gid, groups: groups.join(','), workdir, network, hostname: HOSTNAME, ...socket }
  return [verb, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`), '--', ...command.argv]
}

function exitOf({ status }: HelperExit, command: SandboxCommand, timedOut: boolean): SandboxExit {
  const { word, rest } = /^(?<word>\w+) (?<rest>.*)$/s.exec(status)?.groups ?? {}
  if (word === 'exited') return { code: Number(rest), timedOut: false }
  if (word === 'killed') return { code: 128 + Number(rest), signal: signalName(Number(rest)), timedOut }
  if (word === 'unfit') {
    const folder = command.workdir === '/' ? '' : `, and the folder ${command.workdir}`
    throw new OcibakeError('RUN_FAILED', `The script could not be started: ${rest}.`, {
      hint: `See that the image has ${command.argv[0]} with what it needs (its interpreter, its libraries)${folder}.`,
    })
  }
  throw new OcibakeError('SANDBOX_UNAVAILABLE', `The sandbox failed: ${rest ?? 'its helper was killed'}.`, {
    hint: 'The kernel or a security module refused what it had allowed in the probe; see the kernel log (dmesg).',
  })
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`
}
