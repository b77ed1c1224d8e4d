import type { DraftStep, DraftValue } from '../draft.ts'
import type { ScriptAction } from './action.ts'
import type { Context } from './context.ts'

/** The `run` step of some lines of a script; variables are hidden in them. */
export function scriptStep(lines: readonly string[], script: ScriptAction, { hidden }: Context): DraftStep {
  return {
    step: { run: runValue(lines, (text) => hidden.show(text)), ...script.options },
    comment: script.comment,
    places: [script.place],
  }
}

/** One command is a text, several are a list; a list has no empty lines, so a script that needs them is one text. */
function runValue(lines: readonly string[], show: (text: string) => DraftValue): DraftValue {
  return lines.length === 1 || lines.includes('') ? show(lines.join('\n')) : lines.map(show)
}
