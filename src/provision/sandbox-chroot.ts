import type { SandboxBackend } from './sandbox.ts'
import { type HelperVerb, probeVerb } from './sandbox-helper.ts'

const CHROOT: HelperVerb = {
  name: 'chroot',
  owners: 'real',
  why: 'this user may mount: namespaces and pivot_root, owners and devices are real',
  refuse: async (status) => ({
    missing: `The kernel refused what a root sandbox needs (${status})`,
    hint: 'Run as root with the capability SYS_ADMIN (docker run --privileged).',
  }),
}

/**
 * For root: namespaces of its own and pivot_root, done by native/chroot.c. Scripts keep the capabilities that Docker
 * gives to a build step; device nodes can be made but not opened.
 */
export const chrootBackend: SandboxBackend = {
  name: CHROOT.name,
  owners: 'exact',
  probe: (folder) => probeVerb(CHROOT, folder),
}
