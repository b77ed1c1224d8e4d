import type { DraftStep } from '../../draft.ts'
import type { Place } from '../../value.ts'

/** A command of a script, or a whole statement if that is not understood, while patterns are looked for. */
export interface Item {
  /** Counts the actions of the build. */
  readonly action: number
  /** As it is written. */
  text: string
  /** What stands before it if it is not the first of its script. */
  readonly glue: '\n' | '; ' | ' && '
  /** Of a command in which every word is known. */
  words: readonly string[] | undefined
  readonly pipe: readonly [readonly string[], readonly string[]] | undefined
  /** A word has a wildcard. */
  readonly globs: boolean
  readonly place: Place
  readonly state: ShellState
  /** Absolute, before it runs; '' is the folder that a script starts in, undefined is not known. */
  readonly cwd: string | undefined
  /** Where a `cd` goes. */
  readonly goesTo: string | undefined
  outcome: 'kept' | 'dropped' | DraftStep
}

/**
 * What a command leaves in its shell for those behind it: nothing; something that can be said again in another shell, such
 * as `cd` or `set`; or something else.
 */
export type ShellState = 'none' | 'again' | 'lost'
