import type { Item } from './item.ts'
import { isWithin, removedBy } from './paths.ts'

/** What stands behind the item can go on in another shell: nothing is lost that those before it set there. */
export function canSplit(items: readonly Item[], item: Item): boolean {
  const earlier = items.slice(0, items.indexOf(item)).filter((one) => one.action === item.action)
  if (earlier.some(({ state, outcome }) => state === 'lost' && outcome === 'kept')) return false
  const { cwd } = item
  if (cwd === undefined || cwd === '') return true
  return !earlier.some((one) => removedBy(one)?.some((path) => isWithin(cwd, path)))
}
