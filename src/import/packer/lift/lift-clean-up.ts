import { basename } from 'node:path'
import type { Notes } from '../notes.ts'
import type { Item } from './item.ts'
import { removedBy } from './paths.ts'

/** What `apt-get clean` removes. */
const APT_CACHE = ['/var/cache/apt/archives/*.deb', '/var/cache/apt/archives/partial/*', '/var/cache/apt/*.bin']
/** Where a shell's wildcard and that of a step mean the same: no name begins with a dot there. */
const APT_GLOBS = /^\/var\/(lib\/apt\/lists|cache\/apt(\/archives)?)\/(\*|\*\.deb|\*\.bin)$/

/** Commands at the end of the last script that only remove things become a `remove` step. */
export function liftCleanUp(items: readonly Item[], notes: Notes): void {
  const last = items.at(-1)
  if (last === undefined) return
  const patterns: string[] = []
  const taken: Item[] = []
  for (const item of items.toReversed()) {
    if (item.outcome === 'dropped') continue
    const removed = item.outcome === 'kept' && item.action === last.action ? patternsOf(item) : undefined
    if (removed === undefined) break
    patterns.unshift(...removed)
    taken.unshift(item)
  }
  const [first] = taken
  if (first === undefined) return
  const isCovered = (pattern: string) => patterns.some((other) => pattern.startsWith(`${other}/`))
  const unique = [...new Set(patterns)].filter((pattern) => !isCovered(pattern))
  for (const item of taken) item.outcome = 'dropped'
  const remove = unique.length === 1 ? unique[0]! : unique
  first.outcome = { step: { remove }, comment: [], places: [first.place] }
  notes.add('OB165', first.place, 'Cleaning up at the end', 'A `remove` step, which needs no script.')
}

function patternsOf(item: Item): string[] | undefined {
  const { words = [] } = item
  const program = basename(words[0] ?? '')
  const options = words.slice(1).filter((word) => word.startsWith('-'))
  if (program === 'apt-get' || program === 'apt') {
    return words.filter((word) => !word.startsWith('-'))[1] === 'clean' && options.every((one) => one === '-y')
      ? APT_CACHE
      : undefined
  }
  if (
    program !== 'rm' ||
    !options.some((option) => /r|R/.test(option)) ||
    !options.some((option) => option.includes('f'))
  )
    return undefined
  const paths = words.slice(1).filter((word) => !word.startsWith('-'))
  const isPlain = (path: string) => /^\/[^*?[{\\]*[^*?[{\\/.]\/?$/.test(path) || (item.globs && APT_GLOBS.test(path))
  if (removedBy(item) === undefined || paths.length === 0 || !paths.every(isPlain)) return undefined
  return paths.map((path) => path.replace(/\/$/, ''))
}
