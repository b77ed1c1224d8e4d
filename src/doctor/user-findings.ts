import type { Finding } from './finding.ts'
import { processStatus } from './process-status.ts'

const SECCOMP_WORDS = {
  off: 'no filter',
  strict: 'strict mode',
  filter: 'a filter, as in every container',
  unknown: 'unknown: /proc/self/status does not say',
}

/** Who we are, and what the kernel lets us do. `canRun`: some sandbox works as things are. */
export async function userFindings(canRun: boolean): Promise<Finding[]> {
  const { capabilities, lacking, seccomp, noNewPrivileges } = await processStatus()
  const uid = process.getuid?.() ?? -1
  const absent = canRun ? 'not needed' : 'missing'
  return [
    {
      what: 'user',
      state: uid === 0 ? 'ok' : absent,
      found: `uid ${uid}, gid ${process.getgid?.()}${uid === 0 ? ' (root)' : ''}`,
      neededFor: 'the sandbox chroot, which root alone may use',
      howToGet: 'docker run --user 0; sudo',
    },
    {
      what: 'capabilities',
      state: capabilities.includes('SYS_ADMIN') ? 'ok' : absent,
      found: namesOf(capabilities, lacking),
      neededFor: 'SYS_ADMIN: the sandbox chroot',
      howToGet: 'docker run --privileged',
    },
    {
      what: 'seccomp',
      state: seccomp === 'strict' ? 'missing' : 'ok',
      found: SECCOMP_WORDS[seccomp],
      neededFor: 'nothing; a filter decides which sandboxes work',
      howToGet: seccomp === 'off' ? '' : 'docker run --security-opt seccomp=unconfined takes it away',
    },
    {
      what: 'no-new-privileges',
      state: 'ok',
      found: noNewPrivileges ? 'set: programs that are setuid, such as newuidmap, do not work' : 'not set',
      neededFor: 'nothing; no sandbox uses setuid programs',
      howToGet: '',
    },
  ]
}

/** The shorter of the two lists. */
function namesOf(capabilities: readonly string[], lacking: readonly string[]): string {
  if (lacking.length === 0) return 'all'
  if (capabilities.length === 0) return 'none'
  return capabilities.length <= lacking.length ? capabilities.join(' ') : `all but ${lacking.join(' ')}`
}
