import { readFile } from 'node:fs/promises'
import { SUBORDINATE_IDS } from '../provision/mmdebstrap.ts'
import type { Examined, Finding } from './finding.ts'
import { subordinateIds } from './subordinate-ids.ts'
import type { TriedSandbox } from './try-sandboxes.ts'

/** What of the kernel sandboxes are made of, by what the sandboxes themselves have found by doing it. */
export async function kernelFindings(tried: readonly TriedSandbox[], examined: Examined): Promise<Finding[]> {
  return [mount(tried), await overlay(), await userNamespaces(tried), await ownIds(examined), await ptrace(tried)]
}

/** Whether the sandbox of that name works here. */
export const worked = (tried: readonly TriedSandbox[], name: string) =>
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

async function ownIds({ env }: Examined): Promise<Finding> {
  const { newuidmap, uids, gids, isWhole } = await subordinateIds(env)
  return {
    what: 'subordinate ids',
    state: isWhole ? 'ok' : 'not needed',
    found: `newuidmap ${newuidmap ?? 'not installed'}; subuid ${uids ?? 'none'}; subgid ${gids ?? 'none'}`,
    neededFor: 'Debian bases by mmdebstrap, made by an ordinary user; no sandbox uses them',
    howToGet: SUBORDINATE_IDS,
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
