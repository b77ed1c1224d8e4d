import { readFile } from 'node:fs/promises'
import type { SandboxBackend, SandboxRefusal } from './sandbox.ts'
import { type HelperVerb, probeVerb } from './sandbox-helper.ts'

const USERNS: HelperVerb = {
  name: 'userns',
  owners: 'recorded',
  why: 'this user may have a user namespace: owners and devices are recorded, and exact in the image',
  refuse,
}

/**
 * For any user who may have a user namespace, with one id and no ranges of subordinate ones (native/userns.c): like
 * `chroot`, but what an ordinary user's kernel refuses is recorded, and comes back in `SandboxExit.records`.
 */
export const usernsBackend: SandboxBackend = {
  name: USERNS.name,
  owners: 'exact',
  probe: (folder) => probeVerb(USERNS, folder),
}

/** Switches of distributions by which the kernel refuses user namespaces: file, the value that does, how to allow it. */
const SWITCHES: readonly [path: string, forbids: string, hint: string][] = [
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
  ['/proc/sys/user/max_user_namespaces', '0', 'sysctl -w user.max_user_namespaces=15000'],
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
]

async function refuse(status: string): Promise<SandboxRefusal> {
  const missing = `The kernel refused what a sandbox in a user namespace needs (${status})`
  for (const [path, forbids, hint] of SWITCHES) {
    const value = await readFile(path, 'utf8').catch(() => '')
    if (value.trim() === forbids) return { missing: `${missing}; ${path} is ${forbids}`, hint: `As root: ${hint}` }
  }
  if (/seccomp/.test(status)) return { missing, hint: 'It needs Linux 5.19 or newer.' }
  return {
    missing,
    hint: 'In a container: allow user namespaces in its seccomp profile (podman does by default; docker run --security-opt seccomp=unconfined).',
  }
}
