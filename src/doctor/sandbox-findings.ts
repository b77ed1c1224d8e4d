import type { Examined, Finding } from './finding.ts'
import type { TriedSandbox } from './try-sandboxes.ts'

const FOR: ReadonlyMap<string, string> = new Map([
  ['chroot', 'scripts, as root: the reference'],
  ['userns', 'scripts, as any user'],
  ['ptrace', 'scripts, where there is neither root nor a user namespace'],
  ['proot', 'scripts, where nothing else works, with --allow-inexact-ownership: it loses owners'],
])

/** Each sandbox, by having done in it what a script does. */
export function sandboxFindings(
  tried: readonly TriedSandbox[],
  { cacheFolder }: Pick<Examined, 'cacheFolder'>,
): Finding[] {
  const canRun = tried.some(({ sandbox, owners }) => sandbox !== undefined && owners === 'exact')
  const elsewhere = (folder: string | undefined) =>
    folder === undefined || folder === cacheFolder ? '' : ` (tried in ${folder}, not in the cache folder)`
  return tried.map(({ name, owners, sandbox, refusal, folder }) => ({
    what: `sandbox ${name}`,
    state: sandbox !== undefined ? 'ok' : canRun || owners === 'inexact' ? 'not needed' : 'missing',
    found: `${sandbox !== undefined ? 'works' : refusal!.missing}${elsewhere(folder)}`,
    neededFor: FOR.get(name) ?? 'scripts',
    howToGet: refusal?.hint ?? '',
  }))
}
