import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Enough for what belongs to a template; who names / has other files in mind. */
const MOST = 2000

/**
 * The files of these names in a folder and below it, sorted; not those in hidden folders or in what nobody may read, and not
 * all where there are too many.
 */
export function filesBelow(folder: string, name: RegExp): string[] {
  const found: string[] = []
  const folders = [folder]
  for (
    let next = folders.pop();
    next !== undefined && found.length < MOST && folders.length < MOST;
    next = folders.pop()
  ) {
    for (const entry of entriesOf(next)) {
      if (entry.isFile() && name.test(entry.name)) found.push(join(next, entry.name))
      if (entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name)) folders.push(join(next, entry.name))
    }
  }
  return found.sort()
}

/** What is in a file; nothing if it cannot be read. */
export function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
