import { posix } from 'node:path'
import { patternExpression } from './pattern-expression.ts'

interface Rule {
  /** Clean, without a slash at its start. */
  readonly pattern: string
  /** It takes back what was left out: `!`. */
  readonly back: boolean
  readonly expression: RegExp
}

/** What of a folder is left out, in the words of a `copy` step. */
export interface Exclusion {
  readonly exclude: readonly string[]
  /** Patterns that `exclude` has no words for. */
  readonly inexact: readonly string[]
}

/** A `.dockerignore`: each pattern begins at the context, and the last that matches a path or a folder above it counts. */
export class IgnoreRules {
  readonly #rules: readonly Rule[]

  constructor(text: string) {
    this.#rules = text.split(/\r?\n/).flatMap((line) => {
      const trimmed = line.trim()
      if (line.startsWith('#') || trimmed === '' || trimmed === '!') return []
      const back = trimmed.startsWith('!')
      const pattern = clean(back ? trimmed.slice(1).trim() : trimmed)
      return pattern === '' ? [] : [{ pattern, back, expression: patternExpression(pattern) }]
    })
  }

  ignores(path: string): boolean {
    return this.#ignored(path, this.#rules)
  }

  /** For a copy of a folder of the context; '' is all of it. */
  exclusionBelow(folder: string): Exclusion {
    const source = folder === '' ? [] : folder.split('/')
    const exclude: string[] = []
    const inexact: string[] = []
    for (const [index, { pattern, back }] of this.#rules.entries()) {
      for (const rest of remainders(pattern.split('/'), source)) {
        const anchored = rest.length === 0 ? '/*' : rest[0] === '**' ? rest.join('/') : `/${rest.join('/')}`
        if (!back) exclude.push(anchored)
        else {
          const before = this.#rules.slice(0, index)
          const ways = rest.slice(0, -1).map((_, depth) => rest.slice(0, depth + 1).join('/'))
          const closed = ways.filter((way) => this.#ignored(posix.join(folder, way), before))
          if (closed.some((way) => /[*?[]/.test(way))) inexact.push(`!${pattern}`)
          // What a folder that is left out has is taken back level by level.
          exclude.push(...closed.flatMap((way) => [`!/${way}/`, `/${way}/*`]), `!${anchored}`)
        }
      }
    }
    return { exclude, inexact }
  }

  #ignored(path: string, rules: readonly Rule[]): boolean {
    const parts = path.split('/')
    const ways = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    let ignored = false
    for (const { expression, back } of rules) {
      if (ignored === back && ways.some((way) => expression.test(way))) ignored = !back
    }
    return ignored
  }
}

const clean = (pattern: string) => posix.normalize(`/${pattern}`).replace(/^\/+|\/+$/g, '')

/** What of a pattern is left for what is below a folder, which `**` may leave in several ways. */
function remainders(pattern: readonly string[], folder: readonly string[]): (readonly string[])[] {
  const [first, ...rest] = pattern
  const [name, ...below] = folder
  if (name === undefined) return [pattern]
  if (first === undefined) return []
  if (first === '**') return unique([...remainders(rest, folder), ...remainders(pattern, below)])
  return patternExpression(first).test(name) ? remainders(rest, below) : []
}

function unique(ways: readonly (readonly string[])[]): (readonly string[])[] {
  return [...new Map(ways.map((way) => [way.join('/'), way])).values()]
}
