import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { findProgram } from '../provision/find-program.ts'
import type { Examined, Finding } from './finding.ts'
import type { TriedSandbox } from './try-sandboxes.ts'

/** What of the kernel sandboxes are made of, by what the sandboxes themselves have found by doing it. */
export async function kernelFindings(tried: readonly TriedSandbox[], examined: Examined): Promise<Finding[]> {
  return [
    mount(tried),
    await overlay(),
    await userNamespaces(tried),
    await subordinateIds(examined),
    await ptrace(tried),
  ]
}

const worked = (tried: readonly TriedSandbox[], name: string) =>
  tried.some(({ name: one, sandbox }) => one === name && sandbox !== undefined)

function mount(tried: readonly TriedSandbox[]): Finding {
  const [chroot, userns] = [worked(tried, 'chroot'), worked(tried, 'userns')]
  return {
    what: 'mount',
    state: chroot || userns ? 'ok' : worked(tried, 'ptrace') ? 'not needed' : 'missing',
    found: chroot
      ? 'allowed, in a mount namespace of its own'
      : userns
        ? 'allowed, in a user namespace'
        : 'not by a sandbox: see chroot and userns below',
    neededFor: 'the sandboxes chroot and userns',
    howToGet: 'docker run --privileged, or user namespaces',
  }
}

async function overlay(): Promise<Finding> {
  const known = /\boverlay$/m.test(await text('/proc/filesystems'))
  return {
    what: 'overlayfs',
    state: known ? 'ok' : 'not needed',
    found: known ? 'the kernel has it' : 'the kernel does not have it, or not yet',
    neededFor: 'nothing: ocibake does not use it',
    howToGet: '',
  }
}

const SWITCHES = [
  'user/max_user_namespaces',
  'kernel/unprivileged_userns_clone',
  'kernel/apparmor_restrict_unprivileged_userns',
]

async function userNamespaces(tried: readonly TriedSandbox[]): Promise<Finding> {
  const works = worked(tried, 'userns')
  const others = worked(tried, 'chroot') || worked(tried, 'ptrace')
  const switches: string[] = []
  for (const name of SWITCHES) {
    const value = (await text(`/proc/sys/${name}`)).trim()
    if (value !== '') switches.push(`${name.split('/')[1]} ${value}`)
  }
  const inside = !/^\s*0\s+0\s+4294967295\s*$/.test(await text('/proc/self/uid_map'))
  return {
    what: 'user namespaces',
    state: works ? 'ok' : others ? 'not needed' : 'missing',
    found: [works ? 'allowed' : 'refused', inside ? 'we are in one' : '', ...switches].filter(Boolean).join('; '),
    neededFor: 'the sandbox userns',
    howToGet: tried.find(({ name }) => name === 'userns')?.refusal?.hint ?? '',
  }
}

async function subordinateIds({ env }: Examined): Promise<Finding> {
  const uid = process.getuid?.() ?? -1
  const program = await findProgram('newuidmap', env)
  const ranges = [await rangeOf('/etc/subuid', uid), await rangeOf('/etc/subgid', uid)]
  const whole = program !== undefined && ranges.every((range) => range !== undefined)
  return {
    what: 'subordinate ids',
    state: whole ? 'ok' : 'not needed',
    found: `newuidmap ${program ?? 'not installed'}; subuid ${ranges[0] ?? 'none'}; subgid ${ranges[1] ?? 'none'}`,
    neededFor: 'Debian bases by mmdebstrap, made by an ordinary user; no sandbox uses them',
    howToGet: 'apt-get install uidmap; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER',
  }
}

/** subuid(5): `name or number:first:count`. */
async function rangeOf(file: string, uid: number): Promise<string | undefined> {
  const names = [String(uid), nameOfUser()]
  const line = (await text(file)).split('\n').find((one) => names.includes(one.split(':')[0]!))
  const [, first, count] = line?.split(':') ?? []
  return count === undefined ? undefined : `${first}+${count}`
}

/** Undefined for a number without an account, as containers have them. */
function nameOfUser(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}

async function ptrace(tried: readonly TriedSandbox[]): Promise<Finding> {
  const works = worked(tried, 'ptrace')
  const scope = (await text('/proc/sys/kernel/yama/ptrace_scope')).trim()
  return {
    what: 'ptrace',
    state: works ? 'ok' : worked(tried, 'chroot') || worked(tried, 'userns') ? 'not needed' : 'missing',
    found: `${works ? 'allowed' : 'see the sandbox ptrace below'}${scope === '' ? '' : `; yama.ptrace_scope ${scope}`}`,
    neededFor: 'the sandbox ptrace',
    howToGet: 'allow ptrace in the seccomp profile; yama.ptrace_scope below 3',
  }
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
