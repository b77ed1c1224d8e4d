import { basename } from 'node:path'
import type { Item } from './item.ts'
import { absolutePath } from './items-of-script.ts'

/** Commands to which the folder they run in is nothing, as long as the paths they name are absolute. */
const BY_PATHS = new Set(['rm', 'mkdir', 'chmod', 'chown', 'cp', 'mv', 'ln', 'ls', 'install', 'touch', 'cat'])
const ANYWHERE = new Set([
  ...['apt', 'apt-get', 'apk', 'yum', 'dnf', 'dpkg', 'echo', 'sleep', 'useradd', 'groupadd', 'adduser', 'addgroup'],
  ...['update-ca-certificates', 'ldconfig', 'systemctl', 'true', 'export', 'set', 'cd'],
])

export const kept = (item: Item) => item.outcome === 'kept'

/** The command is this program, or a text that may have it in it. */
export function uses({ words, text }: Item, program: string): boolean {
  return words === undefined ? new RegExp(`\\b${program}\\b`).test(text) : basename(words[0]!) === program
}

/** The folder, or something in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
}

/** What a command names beside its options, absolute; undefined for what depends on a folder that is not known. */
export function operandsOf({ words = [], cwd }: Item): (string | undefined)[] {
  return words.slice(1).flatMap((word) => (word.startsWith('-') ? [] : [absolutePath(word, cwd)]))
}

/** The command does the same in every folder. */
export function isFreeOfCwd({ words, text }: Item): boolean {
  if (words === undefined) return text.startsWith('#')
  const name = basename(words[0]!)
  if (ANYWHERE.has(name)) return name !== 'cd' || words.length === 1 || words[1]!.startsWith('/')
  const paths = words.slice(1).filter((word) => !word.startsWith('-'))
  const named = name === 'chmod' || name === 'chown' ? paths.slice(1) : paths
  return (BY_PATHS.has(name) && named.every((path) => path.startsWith('/'))) || words[0]!.startsWith('/')
}

/** The command has to do with this path, as far as can be told: if in doubt, it has. */
export function mentions(item: Item, path: string): boolean {
  if (item.text.startsWith('#')) return false
  if (item.pipe !== undefined) return item.pipe.some((words) => mentions({ ...item, words, pipe: undefined }, path))
  if (item.words === undefined) {
    return item.text.includes(basename(path)) || item.cwd === undefined || (item.cwd !== '' && isWithin(item.cwd, path))
  }
  const cwd = isFreeOfCwd(item) ? undefined : item.cwd
  const here = item.cwd !== undefined && item.cwd !== '' && isWithin(item.cwd, path) && !isFreeOfCwd(item)
  return here || item.text.includes(path) || item.words.slice(1).some((word) => means(word, path, cwd))
}

/** The word is the path, something in it or above it; or a text, such as a script, that may name it. */
function means(word: string, path: string, cwd: string | undefined): boolean {
  const value = word.replace(/^-[A-Za-z]|^--[a-z-]+=/, '')
  if (value === '') return false
  const absolute = absolutePath(value, cwd)
  if (/\s/.test(value) || absolute === undefined) return value.includes(basename(path))
  return isWithin(absolute, path) || (absolute !== '/' && isWithin(path, absolute))
}

/** What a plain `rm` removes; undefined for any other command. */
export function removedBy(item: Item): string[] | undefined {
  if (item.words === undefined || basename(item.words[0]!) !== 'rm') return undefined
  const options = item.words.slice(1).filter((word) => word.startsWith('-'))
  if (options.some((option) => !/^-[rRfvd]+$|^--(recursive|force|verbose)$/.test(option))) return undefined
  const operands = operandsOf(item)
  return operands.includes(undefined) ? undefined : (operands as string[])
}

/** Takes some paths away from an `rm`, or all of it if nothing else is left. */
export function withoutOperands(item: Item, isGone: (path: string) => boolean): void {
  const words = item.words!.filter((word, index) => {
    const path = index === 0 || word.startsWith('-') ? undefined : absolutePath(word, item.cwd)
    return path === undefined || !isGone(path)
  })
  if (words.length === item.words!.length) return
  if (!words.slice(1).some((word) => !word.startsWith('-'))) item.outcome = 'dropped'
  // Words with wildcards are as they were: quotes would make names of them.
  else if (item.globs) return
  else {
    item.words = words
    item.text = words.map(shellWord).join(' ')
  }
}

function shellWord(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
