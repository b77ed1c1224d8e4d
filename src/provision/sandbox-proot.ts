import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { OcibakeError } from '../errors.ts'
import { hostFiles } from './host-files.ts'
import { keptRecords } from './kept-records.ts'
import { helperOrRefusal, nativeHelper } from './native-helper.ts'
import { NO_RECORDS, type OwnerRecords } from './owner-records.ts'
import { findProot, type ProotProgram, prootEnvironment } from './proot-program.ts'
import type { OnLine, Sandbox, SandboxBackend, SandboxCommand, SandboxExit, SandboxWishes } from './sandbox.ts'
import { stopSignal } from './stop-signal.ts'
import { supervise } from './supervise.ts'

const NAME = 'proot'
const WARNING = {
  message:
    'The sandbox proot loses owners, devices and capabilities that scripts give to files: the image is not the one that other sandboxes make.',
  hint: 'ocibake doctor says what the others need.',
}

/**
 * The last resort, only with `allowInexactOwnership`: a proot of the machine (proot-me.github.io). It shows scripts that
 * they are root, and forgets which owners, devices and capabilities they gave to files: those are 0:0, empty files and
 * none in the image. What scripts did not touch stays exact. No wall, as `ptrace` is none, and it shows the host's /proc.
 */
export function prootBackend({ env, allowInexactOwnership }: SandboxWishes): SandboxBackend {
  return {
    name: NAME,
    owners: 'inexact',
    probe: async (folder) => {
      if (!allowInexactOwnership) {
        return { missing: 'It is not exact, and that was not allowed', hint: 'Add --allow-inexact-ownership.' }
      }
      // It writes and reads what Node cannot: attributes, fifos.
      const helper = await helperOrRefusal()
      if (typeof helper !== 'string') return helper
      const found = await findProot(folder, env)
      return 'missing' in found ? found : sandboxOf(found)
    },
  }
}

function sandboxOf(program: ProotProgram): Sandbox {
  return {
    name: NAME,
    owners: 'recorded',
    why: `inexact owners are allowed: ${program.proot}`,
    warning: WARNING,
    run: (root, command, onLine, signal, records = NO_RECORDS) =>
      runThere(program, { root, command, onLine, signal, records }),
  }
}

interface Running {
  readonly root: string
  readonly command: SandboxCommand
  readonly onLine: OnLine
  readonly signal: AbortSignal
  readonly records: OwnerRecords
}

async function runThere(program: ProotProgram, running: Running): Promise<SandboxExit> {
  const { root, command, onLine, signal, records } = running
  if (command.network === 'none') {
    throw new OcibakeError('SANDBOX_UNAVAILABLE', 'The sandbox proot cannot take the network from a script.', {
      hint: "Leave out `network: 'none'`, or build where another sandbox works: ocibake doctor",
    })
  }
  const { stop, isTimedOut, throwIfInterrupted } = stopSignal(signal, command.timeout)
  throwIfInterrupted()
  // Beside the root, in a folder that goes with it.
  const place = await mkdtemp(join(dirname(root), 'proot-'))
  try {
    const bindings = await bindingsFor(command, place)
    const args = [program.setpriv, ...prootArguments(program, root, command, bindings)]
    const listening = command.listen === undefined ? [] : [await nativeHelper(), 'listen', command.listen]
    const [first, ...rest] = [...listening, ...args]
    const child = spawn(first!, rest, {
      env: { ...command.env, ...prootEnvironment(place) },
      stdio: [command.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      cwd: '/',
      // Ctrl-C is for us alone: proot does not care, its scripts would.
      detached: true,
    })
    feed(child.stdin, command.stdin)
    // SIGQUIT: it ignores SIGTERM, and its scripts outlive it after SIGKILL.
    const { lineError } = await supervise(child, { onLine, end: () => void child.kill('SIGQUIT'), stop })
    if (lineError !== undefined) throw lineError
    throwIfInterrupted()
    const code = child.exitCode ?? 255
    const exit = { code, timedOut: isTimedOut() }
    return code === 0 ? { ...exit, records: await keptRecords(root, records, signal) } : exit
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

/** Arguments of setpriv, which becomes proot. Pure. @param bindings host path -> path in the root */
export function prootArguments(
  { proot }: Pick<ProotProgram, 'proot'>,
  root: string,
  { argv, uid, gid, workdir }: Pick<SandboxCommand, 'argv' | 'uid' | 'gid' | 'workdir'>,
  bindings: ReadonlyMap<string, string>,
): string[] {
  const bound = [...bindings].flatMap(([host, path]) => ['-b', binding(host, path)])
  const identity = ['-i', `${uid}:${gid}`]
  return [
    ...['--pdeathsig', 'QUIT', '--', proot, '--kill-on-exit'],
    ...['-r', root, ...identity, '-w', workdir, ...bound, ...argv],
  ]
}

/** proot knows no way to write a colon in a path. */
function binding(host: string, path: string): string {
  const wrong = [host, path].find((one) => one.includes(':'))
  if (wrong === undefined) return `${host}:${path}`
  throw new OcibakeError('SANDBOX_UNAVAILABLE', `The sandbox proot cannot show '${wrong}': there is a colon in it.`, {
    hint: 'Choose another path, or another --cache-dir.',
  })
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
const LINKS = { fd: '/proc/self/fd', stdin: '/proc/self/fd/0', stdout: '/proc/self/fd/1', stderr: '/proc/self/fd/2' }

/** A /dev of the script's own, the host's /proc, and the files that are there for this command alone. */
async function bindingsFor(command: SandboxCommand, place: string): Promise<Map<string, string>> {
  const dev = join(place, 'dev')
  await mkdir(join(dev, 'shm'), { recursive: true })
  for (const [name, target] of Object.entries(LINKS)) await symlink(target, join(dev, name))
  const bindings = new Map([
    [dev, '/dev'],
    ['/proc', '/proc'],
  ])
  for (const name of DEVICES) {
    await writeFile(join(dev, name), '')
    bindings.set(`/dev/${name}`, `/dev/${name}`)
  }
  let count = 0
  for (const [path, { bytes, mode }] of [...(await hostFiles(command.network)), ...command.secrets]) {
    const file = path.startsWith('/dev/') ? join(place, path) : join(place, `file-${count++}`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, bytes, { mode: mode | 0o600 })
    if (!path.startsWith('/dev/')) bindings.set(file, path)
  }
  return bindings
}

function feed(input: Writable | null, text: string | undefined): void {
  // A script need not read what it is given.
  input?.on('error', () => {})
  input?.end(text)
}
