import { basename, posix } from 'node:path'
import { ImageFolders } from '../image-folders.ts'
import type { Notes } from '../notes.ts'
import { readFetch } from './fetch-command.ts'
import type { Item } from './item.ts'
import { absolutePath } from './items-of-script.ts'
import { isFreeOfCwd, isWithin, kept, mentions, operandsOf, removedBy, uses, withoutOperands } from './paths.ts'
import { readTar } from './tar-command.ts'

/** A program that scripts install for nothing but to fetch archives. */
const TOOLS = [
  { name: 's5cmd', url: /\/s5cmd[^/]*\.tar\.gz$/ },
  { name: 'aws', url: /\/awscli[^/]*\.zip$/ },
]
/** Where the installer of awscli puts it. */
const AWS_INSTALLED = ['/usr/local/aws-cli', '/usr/local/bin/aws']

/** Takes away the programs that only served what is lifted, if the template removes them again. */
export function dropTools(items: readonly Item[], notes: Notes): void {
  for (const { name, url } of TOOLS) dropTool(items, name, url, notes)
}

/** Takes away the folders that were made for downloads alone. */
export function dropFolders(items: readonly Item[], notes: Notes): void {
  for (const item of items) dropFolder(items, item, notes)
}

/** Takes away what waits for a machine to come up, before anything else. */
export function dropWaits(items: readonly Item[], notes: Notes): void {
  for (const item of items) {
    const isWait = item.words?.length === 2 && item.words[0] === 'sleep'
    if (item.outcome === 'kept' && !isWait) return
    if (!isWait) continue
    item.outcome = 'dropped'
    notes.add(
      'OB167',
      item.place,
      `\`${item.text}\` waits for a machine to come up.`,
      'There is none: it is not in the spec.',
    )
  }
}

/** Follows the program from its download to where it is copied; every command on the way has to be understood. */
function dropTool(items: readonly Item[], name: string, url: RegExp, notes: Notes): void {
  const start = items.findIndex(
    (item) => kept(item) && item.words !== undefined && url.test(readFetch(item.words, item.cwd)?.source ?? ''),
  )
  if (start < 0 || items.filter(kept).some((item) => uses(item, name))) return
  const first = items[start]!
  const paths = new Set([readFetch(first.words!, first.cwd)!.file ?? ''])
  const involved = new Set([first])
  const removed = new Set<string>()
  for (const item of items.slice(start + 1).filter(kept)) {
    const gone = removedBy(item)?.filter((path) => [...paths].some((one) => isWithin(one, path)))
    if (gone !== undefined && gone.length > 0) for (const path of gone) removed.add(path)
    else if (takes(item, paths, items)) involved.add(item)
    else if ([...paths].some((path) => mentions(item, path))) return
  }
  const isGone = (path: string) => [...removed].some((one) => isWithin(path, one))
  if (![...paths].every(isGone)) return
  for (const item of items.slice(0, start).filter(kept)) {
    const made = item.words?.[0] === 'mkdir' ? operandsOf(item) : []
    if (made.length > 0 && made.every((path) => path !== undefined)) withoutOperands(item, (path) => paths.has(path))
  }
  for (const item of involved) item.outcome = 'dropped'
  for (const item of items.filter(kept)) {
    if (removedBy(item) !== undefined)
      withoutOperands(item, (path) => removed.has(path) && [...paths].some((one) => isWithin(one, path)))
  }
  notes.add('OB161', first.place, `${name} is fetched, used and removed again.`, 'It is not needed: `unpack` fetches.')
}

/** The command works on the program alone; where it puts it becomes one of the paths. */
function takes(item: Item, paths: Set<string>, items: readonly Item[]): boolean {
  const { words = [], cwd } = item
  const within = (path: string | undefined) => path !== undefined && [...paths].some((one) => isWithin(path, one))
  const tar = readTar(words, cwd)
  if (tar !== undefined) {
    const made = items.some((one) => one.words?.[0] === 'mkdir' && operandsOf(one).includes(tar.to))
    if (!within(tar.archive) || !made) return false
    paths.add(tar.to)
    return true
  }
  const operands = operandsOf(item)
  const program = basename(words[0] ?? '')
  if (program === 'unzip') return takesZip(item, paths, within)
  if (program === 'install' && words[0] !== program && within(absolutePath(words[0]!, cwd))) {
    for (const path of AWS_INSTALLED) paths.add(path)
    return words.length === 1
  }
  if (program === 'chmod') return operands.length > 1 && operands.slice(1).every((path) => within(path))
  if (!['cp', 'mv', 'install', 'ln'].includes(program) || item.globs || operands.length !== 2 || !within(operands[0]))
    return false
  const target = absolutePath(words.at(-1)!, cwd)!
  paths.add(new ImageFolders().has(target) ? posix.join(target, basename(operands[0]!)) : target)
  return true
}

/** `unzip [-q] FILE [-d FOLDER]` of awscli, which is all in a folder `aws`. */
function takesZip(
  { words = [], cwd }: Item,
  paths: Set<string>,
  within: (path: string | undefined) => boolean,
): boolean {
  const [, ...rest] = words.filter((word) => !/^-[qo]+$/.test(word))
  const [file = '', option, folder = '.', ...others] = rest
  const to = absolutePath(folder, cwd)
  const isPlain = (option === undefined || (option === '-d' && rest.length === 3)) && others.length === 0
  if (!isPlain || to === undefined || !within(absolutePath(file, cwd))) return false
  paths.add(posix.join(to, 'aws'))
  return true
}

/** A folder that was made for downloads alone. */
function dropFolder(items: readonly Item[], item: Item, notes: Notes): void {
  if (item.outcome !== 'kept' || item.words?.[0] !== 'mkdir') return
  const operands = operandsOf(item)
  const [folder] = operands
  if (folder === undefined || operands.length !== 1) return
  const about = items.slice(items.indexOf(item) + 1).filter((one) => mentions(one, folder))
  const left = about.filter(kept)
  const isTemporary = /^(\/tmp|\/var\/tmp)\/./.test(folder) || left.some((one) => removedBy(one)?.includes(folder))
  const isPassed = (one: Item) => (one.goesTo === folder && isIdle(items, one)) || removedBy(one) !== undefined
  if (about.length === left.length || !isTemporary || !left.every(isPassed)) return
  item.outcome = 'dropped'
  for (const one of left) {
    if (one.goesTo === folder) one.outcome = 'dropped'
    else withoutOperands(one, (path) => isWithin(path, folder))
  }
  notes.add(
    'OB167',
    item.place,
    `The folder ${folder} only served a download.`,
    'Neither it nor what removes it is in the spec.',
  )
}

/** From this `cd` to the next, no command that stays depends on the folder. */
function isIdle(items: readonly Item[], cd: Item): boolean {
  const behind = items.slice(items.indexOf(cd) + 1).filter(({ action }) => action === cd.action)
  const next = behind.findIndex(({ words }) => words?.[0] === 'cd')
  return behind
    .slice(0, next < 0 ? undefined : next)
    .filter(kept)
    .every(isFreeOfCwd)
}
