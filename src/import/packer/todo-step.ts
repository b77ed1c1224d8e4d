import type { Place } from '../value.ts'
import type { StepAction } from './action.ts'

/** A comment in the place of what could not be imported. */
export function todoStep(comment: string, place: Place): StepAction {
  return { kind: 'step', step: { comment: [comment], places: [place] } }
}
