import type { Notes } from '../packer/notes.ts'
import type { Place } from '../value.ts'

/** Docker builds without the secret, which no step does. @param variable of the environment */
export function noteWanted(id: string, variable: string, place: Place, notes: Notes): void {
  const says = `Docker builds without the secret '${id}'; here it has to be set.`
  notes.addOnce('OB247', place, says, `Set ${variable}, to nothing if there is none: ${variable}= ocibake build …`)
}
