import type { Action } from './action.ts'
import type { Context } from './context.ts'

/** The same work in steps that do it better. */
export function liftPatterns(actions: readonly Action[], _context: Context): readonly Action[] {
  return actions
}
