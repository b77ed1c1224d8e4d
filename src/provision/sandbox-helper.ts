import { mkdtemp, readFile, rmdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { type HelperExit, runHelper } from './helper-process.ts'
import { type NativeProgram, nativeHelper } from './native-helper.ts'
import { decodeRecords, type OwnerRecords } from './owner-records.ts'
import type { OnLine, Sandbox, SandboxCommand, SandboxExit, SandboxRefusal, SecretFile } from './sandbox.ts'
import { sandboxRequest } from './sandbox-request.ts'

const HOSTNAME = 'ocibake'
/** Milliseconds, 25 days: beyond it a timer of Node fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

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
  const helper = await nativeHelper(verb.program).catch((error: unknown) => {
    if (error instanceof OcibakeError) return error
    throw error
  })
  if (helper instanceof OcibakeError) return { missing: helper.message.replace(/\.$/, ''), hint: helper.hint ?? '' }
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
  if (signal.aborted) throw interrupted(signal)
  const files = new Map([...(await hostFiles(command)), ...command.secrets])
  const request = sandboxRequest(command.env, files, command.stdin, records)
  const timeout =
    command.timeout === undefined ? undefined : AbortSignal.timeout(Math.min(command.timeout, LONGEST_TIMER))
  const stop = AbortSignal.any(timeout === undefined ? [signal] : [signal, timeout])
  const ended = await runHelper(helper, helperArguments(verb.name, root, command), request, onLine, stop)
  if (ended.lineError !== undefined) throw ended.lineError
  if (signal.aborted) throw interrupted(signal)
  const exit = exitOf(ended, command, timeout?.aborted === true)
  return verb.owners === 'real' || exit.code !== 0 ? exit : { ...exit, records: decodeRecords(ended.records) }
}

function helperArguments(verb: string, root: string, command: SandboxCommand): string[] {
  const { uid, gid, groups, workdir, network } = command
  const options = { root, uid, gid, groups: groups.join(','), workdir, network, hostname: HOSTNAME }
  return [verb, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`), '--', ...command.argv]
}

/** What a script may have of the host, as copies: how to reach the network. */
async function hostFiles(command: SandboxCommand): Promise<Map<string, SecretFile>> {
  const files = new Map<string, SecretFile>()
  const add = (path: string, bytes: Uint8Array) => files.set(path, { bytes, mode: 0o644, uid: 0, gid: 0 })
  const none = () => Buffer.alloc(0)
  const hosts =
    command.network === 'none' ? Buffer.from('127.0.0.1\tlocalhost\n') : await readFile('/etc/hosts').catch(none)
  add('/etc/hosts', Buffer.concat([hosts, Buffer.from(`\n127.0.1.1\t${HOSTNAME}\n`)]))
  if (command.network === 'host') add('/etc/resolv.conf', await readFile('/etc/resolv.conf').catch(none))
  return files
}

function exitOf({ status }: HelperExit, command: SandboxCommand, timedOut: boolean): SandboxExit {
  const { word, rest } = /^(?<word>\w+) (?<rest>.*)$/s.exec(status)?.groups ?? {}
  if (word === 'exited') return { code: Number(rest), timedOut: false }
  if (word === 'killed') return { code: 128 + Number(rest), signal: signalName(Number(rest)), timedOut }
  if (word === 'unfit') {
    throw new OcibakeError('RUN_FAILED', `The script could not be started: ${rest}.`, {
      hint: `See that the image has ${command.argv[0]} with what it needs (its interpreter, its libraries), and ${command.workdir}.`,
    })
  }
  throw new OcibakeError('SANDBOX_UNAVAILABLE', `The sandbox failed: ${rest ?? 'its helper was killed'}.`, {
    hint: 'The kernel or a security module refused what it had allowed in the probe; see the kernel log (dmesg).',
  })
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`
}

function interrupted(signal: AbortSignal): OcibakeError {
  if (signal.reason instanceof OcibakeError) return signal.reason
  return new OcibakeError('INTERRUPTED', 'The script was stopped.', { cause: signal.reason })
}
