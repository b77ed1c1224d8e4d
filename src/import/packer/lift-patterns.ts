import { withoutSudo } from '../shell/without-sudo.ts'
import type { Place } from '../value.ts'
import type { Action, ScriptAction } from './action.ts'
import type { Context } from './context.ts'
import { assembled } from './lift/assemble.ts'
import { dropAwsVariables } from './lift/drop-aws-variables.ts'
import { dropCredentials } from './lift/drop-credentials.ts'
import { dropFolders, dropTools, dropWaits } from './lift/drop-temporary.ts'
import type { Item } from './lift/item.ts'
import { itemsOfScript } from './lift/items-of-script.ts'
import { liftArchives } from './lift/lift-archives.ts'
import { liftCleanUp } from './lift/lift-clean-up.ts'
import { liftOwners } from './lift/lift-owners.ts'

/** The same work in steps that do it better, where nothing but that changes: what is not understood stays a script. */
export function liftPatterns(given: readonly Action[], context: Context): readonly Action[] {
  const actions = given.map((action) => (action.kind === 'script' ? liftSudo(action, context) : action))
  const items = actions.flatMap((action, index) => {
    return action.kind === 'script' && action.isPlain
      ? itemsOfScript(action, index, context)
      : [itemOfOther(action, index)]
  })
  // Programs and credentials for S3 are of no use afterwards; and no step is to fetch a program.
  liftArchives(items, 's3:', context.notes)
  dropTools(items, context.notes)
  dropCredentials(items, context.notes)
  liftArchives(items, 'https:', context.notes)
  dropFolders(items, context.notes)
  liftOwners(items, context.notes)
  if (context.isMachine) dropWaits(items, context.notes)
  liftCleanUp(items, context.notes)
  return dropAwsVariables(actions, items, context.notes).flatMap((action, index) => {
    const own = items.filter((item) => item.action === index)
    if (action.kind === 'script' && action.isPlain) return assembled(action, own, context)
    return own.every(({ outcome }) => outcome === 'dropped') ? [] : [action]
  })
}

/** A step, or a script of which nothing is known, as one item: a copy of one file names its target. */
function itemOfOther(action: Action, index: number): Item {
  const target = action.kind === 'step' ? action.target : undefined
  const isCopy = target !== undefined
  return {
    action: index,
    text: target ?? '',
    glue: '\n',
    words: isCopy
      ? ['ocibake-copy', target]
      : action.kind === 'step' && isQuiet(action.step.step)
        ? ['ocibake-step']
        : undefined,
    pipe: undefined,
    globs: false,
    place: placeOf(action),
    state: 'lost',
    cwd: isCopy ? '/' : undefined,
    goesTo: undefined,
    outcome: 'kept',
  }
}

/** A copy of a folder, or nothing at all: no command of it can use what others made. */
function isQuiet(step: object | undefined): boolean {
  return step === undefined || !('run' in step || 'ansible' in step)
}

function placeOf(action: Action): Place {
  return action.kind === 'script' ? action.place : action.step.places[0]!
}

function liftSudo(script: ScriptAction, { notes }: Context): ScriptAction {
  if (!script.isPlain) return script
  const { script: text, taken, left } = withoutSudo(script.lines.map((line) => line.text).join('\n'))
  const line = script.lines.find((one) => /\bsudo\b/.test(one.text))
  if (left > 0)
    notes.add(
      'OB121',
      line?.place ?? script.place,
      '`sudo` does more here than to become root; most images have none.',
      'Use a step with `user`.',
    )
  if (taken === 0) return script
  notes.add(
    'OB166',
    line?.place ?? script.place,
    `\`sudo\`, ${taken === 1 ? 'once' : `${taken} times`}`,
    'Taken away: scripts run as root.',
  )
  const rows = text.split('\n')
  const counts = script.lines.map((one) => one.text.split('\n').length)
  const lines = script.lines.map((one, index) => {
    const start = counts.slice(0, index).reduce((sum, rowCount) => sum + rowCount, 0)
    return { ...one, text: rows.slice(start, start + counts[index]!).join('\n') }
  })
  return { ...script, lines }
}
