import { readdirSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { Fault } from '../../fault.ts'

/** More entries than a template's own folders have. */
const MOST = 20_000

/** The files below a folder whose paths in it match a glob (`*`, `**`, `{a,b}`), sorted; links are not followed. @throws Fault */
export function filesBelow(folder: string, pattern: string): readonly string[] {
  const found: string[] = []
  const folders = ['']
  let seen = 0
  for (let inner = folders.pop(); inner !== undefined; inner = folders.pop()) {
    for (const entry of entriesOf(join(folder, inner))) {
      seen += 1
      if (seen > MOST) throw new Fault(`fileset() meets more than ${MOST} files`)
      const path = join(inner, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && matchesGlob(path, pattern)) found.push(path)
    }
  }
  return found.sort()
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
