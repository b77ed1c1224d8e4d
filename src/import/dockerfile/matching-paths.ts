import { readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { patternExpression } from './pattern-expression.ts'

/** The paths below a folder that a pattern means, one component of it for one of theirs, sorted. */
export function matchingPaths(folder: string, pattern: string): string[] {
  let found = ['']
  for (const component of pattern.split('/')) {
    const expression = patternExpression(component)
    found = found.flatMap((path) =>
      namesIn(join(folder, path))
        .filter((name) => expression.test(name))
        .map((name) => posix.join(path, name)),
    )
  }
  return found.sort()
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
