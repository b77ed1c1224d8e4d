import type { Notes } from '../packer/notes.ts'
import { unusualFilesIn } from '../unusual-mode.ts'
import type { Place } from '../value.ts'

/** Says which files of a folder have modes that Docker keeps and a `copy` step does not. */
export function noteModes(folder: string, written: string, place: Place, notes: Notes): void {
  const shown = unusualFilesIn(folder)
  if (shown === undefined) return
  const says = `In '${written === '' ? '.' : written}' others may not read ${shown}, or it has a set-id bit; in the image all may, and it has none.`
  notes.add('OB232', place, says, "Write `mode: 'keep'`, or a `chmod` step behind it.")
}
