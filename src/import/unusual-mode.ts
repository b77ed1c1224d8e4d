import { statSync } from 'node:fs'

/**
 * The mode of a file that a `copy` step would change for more than a checkout's umask, in octal digits: others may not read
 * it, or it has a set-id bit. undefined for others, and for what is not there.
 */
export function unusualMode(path: string): string | undefined {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0o644
  const isUnusual = (mode & 0o004) === 0 || (mode & 0o7000) !== 0
  return isUnusual ? `0${(mode & 0o7777).toString(8).padStart(3, '0')}` : undefined
}
