import type { z } from 'zod'
import { OcibakeError } from '../errors.ts'
import { didYouMean } from '../oci/nearest-name.ts'
import { fieldsAt } from './fields-at.ts'
import type { Mistake } from './mistake.ts'
import { mistakesWithoutBase } from './mistakes-without-base.ts'
import { specSchema } from './schema.ts'
import type { Spec } from './spec.ts'
import { stepSchemas, type Verb } from './step-schemas.ts'

/** To make code for a schema takes longer than to do without for the one value that it checks. */
const ONCE = { jitless: true } as const

/**
 * The value as a Spec. Steps are looked up by their first key before they are checked, so that a mistake is told of
 * the step that was meant.
 * @throws SPEC_INVALID that lists every mistake, one a line
 */
export function validate(value: unknown, file: string): Spec {
  if (!isRecord(value)) {
    throw new OcibakeError('SPEC_INVALID', `${file} exports ${describe(value)}; wanted an object with \`from\`.`)
  }
  const mistakes: Mistake[] = []
  const { steps, ...rest } = value
  const checked = specSchema.safeParse(rest, ONCE)
  if (!checked.success)
    mistakes.push(
      ...checked.error.issues.flatMap((issue) => mistakesOf(issue, { schema: specSchema, value, prefix: '' })),
    )
  if (steps !== undefined && !Array.isArray(steps)) {
    mistakes.push({ where: 'steps', what: `expected a list of steps, got ${describe(steps)}` })
  }
  if (Array.isArray(steps)) mistakes.push(...steps.flatMap(mistakesInStep))
  // No registry client reads it: Docker never defined a type for layers of zstd.
  if (value.mediaTypes === 'docker' && value.compression === 'zstd') {
    mistakes.push({
      where: 'compression',
      what: "'zstd' does not go with mediaTypes 'docker'; take 'gzip', or mediaTypes 'oci'",
    })
  }
  if (value.recompress === true && ['zstd', 'none'].includes(String(value.compression))) {
    mistakes.push({ where: 'recompress', what: "is for compression 'gzip'; nothing is copied with others" })
  }
  if (value.readBase === false) mistakes.push(...mistakesWithoutBase(value))
  if (mistakes.length === 0) return value as unknown as Spec

  const lines = mistakes.map(({ where, what }) => `  ${where === '' ? '' : `${where}: `}${what}`)
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`
  throw new OcibakeError('SPEC_INVALID', `${file} has ${count}:\n${lines.join('\n')}`, {
    hint: 'Every field is described, with an example, in docs/spec.md.',
  })
}

function mistakesInStep(step: unknown, index: number): Mistake[] {
  const where = `steps[${index}]`
  if (!isRecord(step)) return [{ where, what: `expected a step, got ${describe(step)}` }]
  const verb = Object.keys(step)[0]
  const verbs = Object.keys(stepSchemas).join(', ')
  if (verb === undefined) return [{ where, what: `is empty; the first key of a step is one of ${verbs}` }]
  if (!Object.hasOwn(stepSchemas, verb)) {
    const meant = didYouMean(verb, Object.keys(stepSchemas))
    return [{ where, what: `'${verb}' is no step${meant}; the first key of a step is one of ${verbs}` }]
  }
  const schema = stepSchemas[verb as Verb]
  const checked = schema.safeParse(step, ONCE)
  if (checked.success) return []
  return checked.error.issues.flatMap((issue) =>
    mistakesOf(issue, { schema, value: step, prefix: `${where} (${verb})` }),
  )
}

interface Checked {
  readonly schema: z.core.$ZodType
  readonly value: Record<string, unknown>
  /** What stands before each path. */
  readonly prefix: string
}

function mistakesOf(issue: z.core.$ZodIssue, of: Checked): Mistake[] {
  const { prefix } = of
  const deeper = issuesWithin(issue)
  if (deeper !== undefined) return deeper.flatMap((inner) => mistakesOf(inner, of))

  const path = issue.path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  )
  const where = prefix === '' ? path : path === '' ? prefix : `${prefix}: ${path}`
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      return { where, what: `'${key}' is not a field that ocibake knows here${instead(key, issue.path, of)}` }
    })
  }
  return [{ where, what: issue.message }]
}

/** What is wrong within a value that has the form of just one of several that it may have. */
function issuesWithin(issue: z.core.$ZodIssue): z.core.$ZodIssue[] | undefined {
  if (issue.code !== 'invalid_union') return undefined
  const isWithin = ({ path, code }: z.core.$ZodIssue) => path.length > 0 || code === 'unrecognized_keys'
  const [only, ...others] = issue.errors.filter((issues) => issues.length > 0 && issues.every(isWithin))
  if (only === undefined || others.length > 0) return undefined
  return only.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name], value)
}

/** Which field was meant by one that is none at a path. */
function instead(key: string, path: readonly PropertyKey[], { schema, value }: Checked): string {
  const isTop = schema === specSchema && path.length === 0
  if (isTop && fieldsAt(schema, ['config']).includes(key)) return ` (it belongs in \`config\`)`
  const given = valueAt(value, path)
  // Steps are checked apart.
  const names = isTop ? [...fieldsAt(schema, path), 'steps'] : fieldsAt(schema, path)
  const free = names.filter((name) => !isRecord(given) || !Object.hasOwn(given, name))
  return didYouMean(key, free)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`
}
