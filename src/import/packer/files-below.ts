import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Enough for a folder of playbooks; who keeps one in / has other files in mind. */
const MOST = 2000

/** The files of these names in a folder and below it, hidden folders left out; not all of them where there are too many. */
export function filesBelow(folder: string, name: RegExp): string[] {
  const found: string[] = []
  const folders = [folder]
  for (
    let next = folders.pop();
    next !== undefined && found.length < MOST && folders.length < MOST;
    next = folders.pop()
  ) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      if (entry.isFile() && name.test(entry.name)) found.push(join(next, entry.name))
      if (entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name)) folders.push(join(next, entry.name))
    }
  }
  return found
}
