import type { Place } from '../value.ts'
import type { Action } from './action.ts'
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
import { liftSudo } from './lift/lift-sudo.ts'

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

/** A step, or a script of which nothing is known, as one item: a copy names its target. */
function itemOfOther(action: Action, index: number): Item {
  const target = action.kind === 'step' ? action.target : undefined
  return {
    ...{ action: index, text: target ?? '', glue: '\n', pipe: undefined, globs: false, place: placeOf(action) },
    ...{ words: wordsOf(action), state: 'lost', goesTo: undefined, outcome: 'kept' },
    cwd: target === undefined ? undefined : '/',
  }
}

/** undefined for a step that runs what others may have made. */
function wordsOf(action: Action): readonly string[] | undefined {
  if (action.kind === 'script') return undefined
  if (action.target !== undefined) return ['ocibake-copy', action.target]
  const { step } = action.step
  return step !== undefined && ('run' in step || 'ansible' in step) ? undefined : ['ocibake-step']
}

function placeOf(action: Action): Place {
  return action.kind === 'script' ? action.place : action.step.places[0]!
}
