import type { Place } from '../value.ts'
import type { Notes } from './notes.ts'

/**
 * For what cannot be read without the values of its variables, and so has those of now in the spec.
 * @param what as the template has it, with the names of variables: their values may be secret
 */
export function noteFixed(what: string, place: Place, notes: Notes): void {
  const says = `\`${what}\` is fixed to what it is now.`
  notes.add(
    'OB140',
    place,
    says,
    'Import again with another --var, or write the expression in the spec, which is a program.',
  )
}
