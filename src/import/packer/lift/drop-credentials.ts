import type { Notes } from '../notes.ts'
import type { Item } from './item.ts'
import { isWithin, kept, mentions, operandsOf, removedBy, uses, withoutOperands } from './paths.ts'

const AWS_FOLDER = '/root/.aws'

/** Takes away the credentials that were copied in for downloads, if the template removes them again. */
export function dropCredentials(items: readonly Item[], notes: Notes): void {
  const about = items.filter((item) => kept(item) && mentions(item, AWS_FOLDER))
  const copies = about.filter(({ words }) => words?.[0] === 'ocibake-copy' && isWithin(words[1]!, AWS_FOLDER))
  const removal = about.find((item) => removedBy(item)?.includes(AWS_FOLDER))
  const isKnown = (item: Item) => copies.includes(item) || item === removal || isOnlyAbout(item, AWS_FOLDER)
  const isUsed = items.filter(kept).some((item) => uses(item, 'aws') || uses(item, 's5cmd'))
  if (copies.length === 0 || removal === undefined || isUsed || !about.every(isKnown)) return
  for (const item of about) {
    if (item === removal) withoutOperands(item, (path) => path === AWS_FOLDER)
    else item.outcome = 'dropped'
  }
  const made = about.find(({ words }) => words?.[0] === 'mkdir' && !words.includes('-p'))
  if (made !== undefined)
    notes.add(
      'OB104',
      made.place,
      '`mkdir` without -p fails if the folder is there.',
      'The line is gone from the spec.',
    )
  for (const { place } of copies) {
    for (const id of ['OB153', 'OB186'] as const) notes.withdraw(id, place)
    notes.add('OB162', place, 'Credentials for S3', 'Not needed: those of whoever builds are used, and stay outside.')
  }
}

function isOnlyAbout(item: Item, folder: string): boolean {
  if (!['mkdir', 'chmod', 'chown'].includes(item.words?.[0] ?? '')) return false
  const operands = operandsOf(item)
  const paths = item.words![0] === 'mkdir' ? operands : operands.slice(1)
  return paths.every((path) => path !== undefined && isWithin(path, folder))
}
