import { type Draft, type DraftValue, type DraftVariable, FileText } from './draft.ts'
import { partKey, partsOf } from './text.ts'
import { isReference, Mixed, type Reference, type Text, type Unknown } from './value.ts'

/** A variable that a spec has to ask for. */
export interface UsedVariable {
  /** As `partKey` names it. */
  readonly key: string
  /** For `--var`. */
  readonly name: string
  /** In the spec's own text. */
  readonly identifier: string
  /** What the spec has for it if nobody gives one; undefined: it has to be given. */
  readonly fallback: Text | undefined
  /** The same as JavaScript: it counts instead. */
  readonly code?: string
  /** What it is in this import. */
  readonly value: string | undefined
  readonly env: string | undefined
  readonly comment: readonly string[]
}

const TAKEN = [
  ...['break', 'case', 'catch', 'class', 'const', 'continue', 'debugger', 'default', 'delete', 'do', 'else', 'enum'],
  ...['export', 'extends', 'false', 'finally', 'for', 'function', 'if', 'import', 'in', 'instanceof', 'new', 'null'],
  ...['return', 'super', 'switch', 'this', 'throw', 'true', 'try', 'typeof', 'var', 'void', 'while', 'with', 'yield'],
  ...['let', 'static', 'await', 'async', 'of', 'arguments', 'eval', 'undefined', 'interface', 'package', 'private'],
  ...[
    'protected',
    'public',
    'implements',
    'vars',
    'env',
    'platform',
    'script',
    'readFileSync',
    'resolve',
    'Spec',
    'SpecContext',
  ],
]

/**
 * The variables in the texts of a draft, in the order in which it knows them, each once for each of its defaults and
 * behind those that it is made of.
 */
export function usedVariables(draft: Draft): UsedVariable[] {
  const known = draft.variables ?? []
  const parts = new Map(partsIn(draft).map((part) => [partKey(part), part]))
  const ranks = new Map(known.map(({ name }, index) => [name, index]))
  const rank = (part: Reference | Unknown) => (isReference(part) ? ranks.get(part.variable) : undefined) ?? known.length
  const direct = [...parts.values()].sort((a, b) => rank(a) - rank(b))
  const sorted = [...withThoseWithin(direct, known)]
  const identifiers = new Set(TAKEN)
  const names = new Set(sorted.flatMap(([, part]) => (isReference(part) ? [part.variable] : [])))
  return sorted.map(([key, part]) => {
    if (!isReference(part)) {
      const name = unused(identifierOf(part.unknown.replace(/\(.*/s, '')), names)
      const comment = [`TODO: \`${part.unknown}\` of the template: ${part.why}`]
      const identifier = unused(identifierOf(name), identifiers)
      return { key, name, identifier, fallback: undefined, value: undefined, env: undefined, comment }
    }
    const { variable: name, value } = part
    const {
      env,
      sensitive = false,
      comment = [],
      default: written,
      made,
      code,
    } = known.find((one) => one.name === name) ?? {}
    const fallback = sensitive ? written : (made ?? value)
    const identifier = unused(identifierOf(name), identifiers)
    return { key, name, identifier, fallback, value, env, comment, ...(code === undefined ? {} : { code }) }
  })
}

/** The parts by their keys, each behind those that it is made of. */
function withThoseWithin(
  parts: readonly (Reference | Unknown)[],
  known: readonly DraftVariable[],
  all = new Map<string, Reference | Unknown>(),
): Map<string, Reference | Unknown> {
  for (const part of parts.filter((one) => !all.has(partKey(one)))) {
    const made = isReference(part) ? known.find(({ name }) => name === part.variable)?.made : undefined
    if (made !== undefined) withThoseWithin(partsOfValue(made), known, all)
    all.set(partKey(part), part)
  }
  return all
}

function partsIn(draft: Draft): (Reference | Unknown)[] {
  const { from, platform = '', steps, config, tags, others } = draft
  return [from, platform, ...steps.map(({ step = {} }) => step), config, tags, others].flatMap(partsOfValue)
}

function partsOfValue(value: DraftValue): (Reference | Unknown)[] {
  if (typeof value !== 'object') return []
  if (value instanceof Mixed) return partsOf(value).filter((part) => typeof part !== 'string')
  if (value instanceof FileText) return partsOfValue(value.path)
  return Object.values(value).flatMap(partsOfValue)
}

/** `image_name` is `imageName` in JavaScript. */
function identifierOf(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  const [first = 'value', ...rest] = words
  const start = /^[A-Z0-9]+$/.test(first) ? first.toLowerCase() : first[0]!.toLowerCase() + first.slice(1)
  const camel =
    start +
    rest
      .map((word) => (/^[A-Z0-9]+$/.test(word) ? word.toLowerCase() : word))
      .map(capital)
      .join('')
  return /^[0-9]/.test(camel) ? `_${camel}` : camel
}

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1)

function unused(name: string, taken: Set<string>): string {
  let free = name
  for (let number = 2; taken.has(free); number++) free = `${name}${number}`
  taken.add(free)
  return free
}
