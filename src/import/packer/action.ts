import type { DraftFields, DraftStep } from '../draft.ts'
import type { Place } from '../value.ts'

/** What a provisioner becomes before patterns in it are lifted. */
export type Action = ScriptAction | StepAction

/** Lines of a script, variables hidden in them, which lifting may take apart. */
export interface ScriptAction {
  readonly kind: 'script'
  readonly lines: readonly ScriptLine[]
  /** Of the `run` step, beside `run`. */
  readonly options: DraftFields
  /** A command that fails ends the script, it runs as root, and nothing else of it is unusual. */
  readonly isPlain: boolean
  readonly comment: readonly string[]
  readonly place: Place
}

export interface ScriptLine {
  readonly text: string
  readonly place: Place
}

export interface StepAction {
  readonly kind: 'step'
  readonly step: DraftStep
  /** The path in the image that it writes, of a folder all of it. */
  readonly target?: string
  /** Of a script that is a file: what is in it. */
  readonly script?: readonly ScriptLine[]
}
