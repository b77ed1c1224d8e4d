import type { Finding } from './finding.ts'
import type { TriedSandbox } from './try-sandboxes.ts'

const FOR: ReadonlyMap<string, string> = new Map([
  ['chroot', 'scripts, as root: the reference'],
  ['userns', 'scripts, as any user'],
  ['ptrace', 'scripts, where there is neither root nor a user namespace'],
])

/** Each of our sandboxes, by having done in it what a script does. */
export function sandboxFindings(tried: readonly TriedSandbox[]): Finding[] {
  const canRun = tried.some(({ sandbox }) => sandbox !== undefined)
  return tried.map(({ name, sandbox, refusal }) => ({
    what: `sandbox ${name}`,
    state: sandbox !== undefined ? 'ok' : canRun ? 'not needed' : 'missing',
    found: sandbox !== undefined ? 'works' : refusal!.missing,
    neededFor: FOR.get(name) ?? 'scripts',
    howToGet: refusal?.hint ?? '',
  }))
}
