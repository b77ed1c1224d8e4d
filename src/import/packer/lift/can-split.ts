import type { Item } from './item.ts'
import { isWithin, removedBy } from './paths.ts'

/** What stands behind the item can go on in another shell: nothing is lost that those before it set there. */
export function canSplit(items: readonly Item[], item: Item): boolean {
  const before = items.filter((one) => one.action === item.action).slice(0)
  const index = before.indexOf(item)
  const earlier = before.slice(0, index)
  if (earlier.some(({ state, outcome }) => state === 'lost' && outcome === 'kept')) return false
  const { cwd } = item
  if (cwd === undefined || cwd === '') return true
  return !earlier.some((one) => removedBy(one)?.some((path) => isWithin(cwd, path)))
}
