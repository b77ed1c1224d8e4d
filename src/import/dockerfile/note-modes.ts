import { readdirSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import type { Notes } from '../packer/notes.ts'
import type { Place } from '../value.ts'

/** Says which files of a folder have modes that Docker keeps and a `copy` step does not. */
export function noteModes(folder: string, written: string, place: Place, notes: Notes): void {
  const names = unusualFiles(folder)
  if (names.length === 0) return
  const shown = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  const says = `In '${written === '' ? '.' : written}' others may not read ${shown}, or it has a set-id bit; in the image all may, and it has none.`
  notes.add('OB232', place, says, "Write `mode: 'keep'`, or a `chmod` step behind it.")
}

function unusualFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && isUnusual(statSync(`${entry.parentPath}/${entry.name}`).mode))
      .map((entry) => posix.relative(folder, `${entry.parentPath}/${entry.name}`))
      .sort()
  } catch {
    // A folder that is not there has been reported.
    return []
  }
}

const isUnusual = (mode: number) => (mode & 0o044) === 0 || (mode & 0o7000) !== 0

/** The mode of a file that a `copy` step would change for more than a checkout's umask; undefined for others. */
export function unusualMode(path: string): string | undefined {
  try {
    const { mode } = statSync(path)
    return isUnusual(mode) ? `0${(mode & 0o7777).toString(8).padStart(3, '0')}` : undefined
  } catch {
    return undefined
  }
}
