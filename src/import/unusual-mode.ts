import { type Dirent, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { statOf } from './stat-of.ts'

/**
 * The mode of a file that a `copy` step would change for more than a checkout's umask, in octal digits: others may not read
 * it, or it has a set-id bit. undefined for others, and for what is not there.
 */
export function unusualMode(path: string): string | undefined {
  const mode = statOf(path)?.mode ?? 0o644
  const isUnusual = (mode & 0o004) === 0 || (mode & 0o7000) !== 0
  return isUnusual ? `0${(mode & 0o7777).toString(8).padStart(3, '0')}` : undefined
}

/**
 * Says of which files of a folder, and of those below it, `unusualMode` has something to say, by their paths in it: three of
 * them, and how many there are more. undefined: of none.
 */
export function unusualFilesIn(folder: string): string | undefined {
  const names = entriesBelow(folder)
    .filter((entry) => entry.isFile() && unusualMode(join(entry.parentPath, entry.name)) !== undefined)
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
  if (names.length === 0) return undefined
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}

function entriesBelow(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
  } catch {
    // A folder that is not there has been reported.
    return []
  }
}
