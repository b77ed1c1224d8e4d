import { readdirSync } from 'node:fs'
import { posix } from 'node:path'
import type { Notes } from '../packer/notes.ts'
import { unusualMode } from '../unusual-mode.ts'
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
      .filter((entry) => entry.isFile() && unusualMode(`${entry.parentPath}/${entry.name}`) !== undefined)
      .map((entry) => posix.relative(folder, `${entry.parentPath}/${entry.name}`))
      .sort()
  } catch {
    // A folder that is not there has been reported.
    return []
  }
}
