import { mkdtemp, readFile, rmdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { runHelper } from './helper-process.ts'
import { nativeHelper } from './native-helper.ts'
import type {
  OnLine,
  Sandbox,
  SandboxBackend,
  SandboxCommand,
  SandboxExit,
  SandboxRefusal,
  SecretFile,
} from './sandbox.ts'
import { sandboxRequest } from './sandbox-request.ts'

const HOSTNAME = 'ocibake'
/** Milliseconds, 25 days: beyond it a timer of Node fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * For root: namespaces of its own and pivot_root, done by native/chroot.c. Scripts keep the capabilities that Docker
 * gives to a build step; device nodes can be made but not opened.
 */
export const chrootBackend: SandboxBackend = {
  name: 'chroot',
  probe: probeChroot,
}

async function probeChroot(folder: string, _report: Report): Promise<Sandbox | SandboxRefusal> {
  const helper = await nativeHelper().catch((error: unknown) => {
    if (error instanceof OcibakeError) return error
    throw error
  })
  if (helper instanceof OcibakeError) return { missing: helper.message, hint: helper.hint ?? '' }
  const root = await mkdtemp(join(folder, 'probe-'))
  try {
    const { status } = await runHelper(
      helper,
      ['probe-chroot', '--root', root],
      sandboxRequest({}, new Map()),
      () => {},
    )
    if (status === 'exited 0') return chrootSandbox(helper)
    return {
      missing: `The kernel refused what a root sandbox needs (${status || 'no answer'}).`,
      hint: 'Run as root with the capability SYS_ADMIN (docker run --privileged).',
    }
  } finally {
    await rmdir(root)
  }
}

function chrootSandbox(helper: string): Sandbox {
  return {
    name: 'chroot',
    why: 'this user may mount: namespaces and pivot_root, owners and devices are real',
    run: (root, command, onLine, signal) => runInChroot(helper, root, command, onLine, signal),
  }
}

async function runInChroot(
  helper: string,
  root: string,
  command: SandboxCommand,
  onLine: OnLine,
  signal: AbortSignal,
): Promise<SandboxExit> {
  if (signal.aborted) throw interrupted(signal)
  const files = new Map([...(await hostFiles(command)), ...command.secrets])
  const request = sandboxRequest(command.env, files, command.stdin)
  const timeout =
    command.timeout === undefined ? undefined : AbortSignal.timeout(Math.min(command.timeout, LONGEST_TIMER))
  const stop = AbortSignal.any(timeout === undefined ? [signal] : [signal, timeout])
  const { status, lineError } = await runHelper(helper, helperArguments(root, command), request, onLine, stop)
  if (lineError !== undefined) throw lineError
  if (signal.aborted) throw interrupted(signal)
  return exitOf(status, command, timeout?.aborted === true)
}

function helperArguments(root: string, command: SandboxCommand): string[] {
  const { uid, gid, groups, workdir, network } = command
  const options = { root, uid, gid, groups: groups.join(','), workdir, network, hostname: HOSTNAME }
  return ['chroot', ...Object.entries(options).map(([name, value]) => `--${name}=${value}`), '--', ...command.argv]
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

function exitOf(status: string, command: SandboxCommand, timedOut: boolean): SandboxExit {
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
