import { open } from 'node:fs/promises'
import { messageOf } from '../errors.ts'
import { askAnsibleVersion } from '../provision/ansible-programs.ts'
import { findProgram } from '../provision/find-program.ts'
import { requireMmdebstrap, SUBORDINATE_IDS } from '../provision/mmdebstrap.ts'
import { helperOrRefusal, type NativeProgram } from '../provision/native-helper.ts'
import { prootVersion } from '../provision/proot-program.ts'
import type { Examined, Finding } from './finding.ts'
import { worked } from './kernel-findings.ts'
import { processStatus } from './process-status.ts'
import { subordinateIds } from './subordinate-ids.ts'
import type { TriedSandbox } from './try-sandboxes.ts'

/** Programs that builds may want: our own, and those of the machine. */
export async function programFindings({ env }: Examined, tried: readonly TriedSandbox[]): Promise<Finding[]> {
  return [
    await helper('ocibake-sandbox', 'the sandboxes chroot and userns, and `ansible` steps'),
    await helper('ocibake-trace', 'the sandbox ptrace'),
    await proot(env, tried),
    await program('tar', 'Debian bases', 'tar', env),
    await program('xz', 'unpacking .tar.xz', 'xz-utils', env),
    await program('bzip2', 'unpacking .tar.bz2', 'bzip2', env),
    await mmdebstrap(env, tried),
    await ansible(env),
  ]
}

async function helper(name: NativeProgram, neededFor: string): Promise<Finding> {
  const howToGet = 'npm install ocibake (linux-x64), or scripts/build-native.sh where there is a C compiler'
  const path = await helperOrRefusal(name)
  if (typeof path !== 'string') return { what: name, state: 'missing', found: path.missing, neededFor, howToGet }
  return { what: name, state: 'ok', found: `${path} (${await architectureOf(path)})`, neededFor, howToGet }
}

/** elf(5), `e_machine`. */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [3, 'x86'],
  [40, 'arm'],
  [62, 'x64'],
  [183, 'arm64'],
  [243, 'riscv64'],
])

async function architectureOf(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(20), 0, 20, 0)
  if (bytesRead < 20 || buffer.toString('latin1', 0, 4) !== '\x7fELF') return 'no ELF file'
  const machine = buffer.readUInt16LE(18)
  return MACHINES.get(machine) ?? `ELF machine ${machine}`
}

async function proot(env: Examined['env'], tried: readonly TriedSandbox[]): Promise<Finding> {
  const path = await findProgram('proot', env)
  const works = tried.some(({ name, sandbox }) => name === 'proot' && sandbox !== undefined)
  const version = path === undefined ? undefined : ((await prootVersion(path)) ?? 'of a version that it does not say')
  return {
    what: 'proot',
    state: works ? 'ok' : 'not needed',
    found: path === undefined ? 'not on the PATH' : `${path}, ${version}`,
    neededFor: 'the sandbox proot',
    howToGet: 'version 5.4 or newer; never the 5.1.0 of Debian 12 and 13',
  }
}

async function program(name: string, neededFor: string, debian: string, env: Examined['env']): Promise<Finding> {
  const path = await findProgram(name, env)
  const state = path === undefined ? 'missing' : 'ok'
  return { what: name, state, found: path ?? 'not on the PATH', neededFor, howToGet: `apt-get install ${debian}` }
}

async function mmdebstrap(env: Examined['env'], tried: readonly TriedSandbox[]): Promise<Finding> {
  const common = { what: 'mmdebstrap', neededFor: 'Debian bases (`from: { debian: … }`)' }
  const howToGet = 'apt-get install mmdebstrap debian-archive-keyring'
  try {
    await requireMmdebstrap()
  } catch (error) {
    return { ...common, state: 'missing', found: messageOf(error), howToGet }
  }
  const lack = process.getuid?.() === 0 ? lackOfRoot(tried) : await lackOfUser(env, tried)
  if (lack !== undefined) return { ...common, state: 'missing', ...lack }
  return { ...common, state: 'ok', found: 'installed, with the keys of Debian', howToGet }
}

/** What lets mmdebstrap fail, who does what our own sandboxes do, if anything. */
type Lack = Pick<Finding, 'found' | 'howToGet'> | undefined

function lackOfRoot(tried: readonly TriedSandbox[]): Lack {
  if (worked(tried, 'chroot')) return undefined
  return { found: 'installed, but root may not mount here', howToGet: 'docker run --privileged' }
}

async function lackOfUser(env: Examined['env'], tried: readonly TriedSandbox[]): Promise<Lack> {
  if (!worked(tried, 'userns')) {
    return { found: 'installed, but user namespaces are refused', howToGet: 'see the sandbox userns above; or root' }
  }
  if (!(await subordinateIds(env)).isWhole) {
    return { found: 'installed, but this user has no subordinate ids', howToGet: SUBORDINATE_IDS }
  }
  if (!(await processStatus()).noNewPrivileges) return undefined
  return { found: 'installed, but no-new-privileges stops newuidmap', howToGet: 'a container without it; or root' }
}

async function ansible(env: Examined['env']): Promise<Finding> {
  const common = { what: 'ansible-playbook', neededFor: '`ansible` steps', howToGet: 'apt-get install ansible-core' }
  const path = await findProgram('ansible-playbook', env)
  if (path === undefined) return { ...common, state: 'missing', found: 'not on the PATH' }
  try {
    // `ansible-playbook [core 2.14.18]`
    const version = (await askAnsibleVersion(path, env)).replace(/^\S+ \[?|\]$/g, '')
    return { ...common, state: 'ok', found: `${path}, ${version}` }
  } catch (error) {
    return { ...common, state: 'missing', found: messageOf(error) }
  }
}
