import type { Notes } from '../notes.ts'
import { canSplit } from './can-split.ts'
import type { Item } from './item.ts'
import { operandsOf } from './paths.ts'

const OWNER = /^([A-Za-z_][\w-]*|\d+)?(:([A-Za-z_][\w-]*|\d+))?$/

/** `chown -R` of absolute paths becomes an `own` step. */
export function liftOwners(items: readonly Item[], notes: Notes): void {
  for (const item of items) {
    const { words, outcome, globs } = item
    if (outcome !== 'kept' || globs || words?.[0] !== 'chown' || !/^(-R|-Rf|-fR|--recursive)$/.test(words[1] ?? ''))
      continue
    const [, , by = '', ...paths] = words
    const isPlain = paths.length > 0 && paths.every((path) => /^\/[^*?[{\\]*[^*?[{\\/.]\/?$/.test(path))
    if (by === '' || !OWNER.test(by) || !isPlain || !canSplit(items, item)) continue
    const own = operandsOf(item).slice(1) as string[]
    item.outcome = { step: { own: own.length === 1 ? own[0]! : own, by }, comment: [], places: [item.place] }
    notes.add(
      'OB163',
      item.place,
      '`chown -R`',
      'An `own` step, which needs no script; unlike chown it keeps set-id bits.',
    )
  }
}
