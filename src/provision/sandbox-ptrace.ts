import type { SandboxBackend } from './sandbox.ts'
import { type HelperVerb, probeVerb } from './sandbox-helper.ts'

const PTRACE: HelperVerb = {
  name: 'ptrace',
  program: 'ocibake-trace',
  owners: 'recorded',
  why: 'this user may do nothing but trace its own processes: paths are translated, owners and devices are recorded',
  refuse: async (status) => ({
    missing: `The kernel refused what a sandbox by ptrace needs (${status})`,
    hint: 'In a container: allow ptrace and seccomp in its seccomp profile, as those of Docker and podman do.',
  }),
}

/**
 * For any user, with no capability and no namespace (native/trace/trace.c): every call of a script that says a path or
 * an owner is answered by a tracer. No wall: a script that wants out gets out, with the rights of this user.
 */
export const ptraceBackend: SandboxBackend = {
  name: PTRACE.name,
  owners: 'exact',
  probe: (folder) => probeVerb(PTRACE, folder),
}
