import { OcibakeError } from '../errors.ts'
import { validate } from '../spec/validate.ts'
import { type Draft, type DraftFields, type DraftStep, type DraftValue, FileText } from './draft.ts'
import { knownText } from './text.ts'
import { isReference, Mixed, type Place, Reference } from './value.ts'

/** Something of a draft that no spec can have. */
export interface Refusal {
  /** Of a step; undefined for what is no step. */
  readonly place: Place | undefined
  readonly says: string
  /** Variables in it that are empty now, and need not be. */
  readonly empty: readonly string[]
}

/**
 * The draft without what validation would refuse, each such part being a TODO in its place: what a template says need not make
 * sense. What variables without a value will be is not known, and taken to be right.
 */
export function validDraft(draft: Draft): { readonly draft: Draft; readonly refusals: readonly Refusal[] } {
  const refusals: Refusal[] = []
  const refuse = (what: string, why: string, part: DraftValue, place?: Place) => {
    refusals.push({ place, says: `${what} is left out: ${why}`, empty: emptyIn(part) })
    return `TODO: ${what}: ${why}`
  }
  const steps = draft.steps.map((step): DraftStep => {
    const fault = step.step === undefined ? undefined : faultOf({ from: 'scratch', steps: [step.step] })
    if (fault === undefined) return step
    const verb = Object.keys(step.step!)[0]!
    const comment = [...step.comment, refuse(`a \`${verb}\` step`, fault, step.step!, step.places[0])]
    return { comment, places: step.places }
  })
  const comments = { from: [] as string[], config: [] as string[], tags: [] as string[] }
  const config = without(draft.config, (name, value) => {
    const fault = faultOf({ from: 'scratch', config: { [name]: value } })
    if (fault !== undefined) comments.config.push(refuse(`config.${name}`, fault, value))
    return fault === undefined
  })
  const tags = draft.tags.filter((tag) => {
    const fault = faultOf({ from: 'scratch', tags: [tag] })
    if (fault !== undefined) comments.tags.push(refuse('a tag', fault, tag))
    return fault === undefined
  })
  const fault = draft.platform === undefined ? undefined : faultOf({ from: 'scratch', platform: draft.platform })
  if (fault !== undefined) comments.from.push(refuse('the platform', fault, draft.platform ?? ''))
  const noBase = faultOf({ from: draft.from })
  if (noBase !== undefined) comments.from.push(refuse('the base', noBase, draft.from))
  const from = noBase === undefined ? draft.from : new Mixed([new Reference('base', undefined)])
  const { platform: _, ...others } = draft
  const kept = fault === undefined ? draft : others
  return { draft: { ...kept, from, steps, config, tags, comments: together(draft.comments ?? {}, comments) }, refusals }
}

function without(fields: DraftFields, isRight: (name: string, value: DraftValue) => boolean): DraftFields {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => isRight(name, value)))
}

type Comments = NonNullable<Draft['comments']>

function together(before: Comments, more: Comments): Comments {
  const fields = ['from', 'config', 'tags'] as const
  const all = fields.map((field) => [field, [...(before[field] ?? []), ...(more[field] ?? [])]] as const)
  return Object.fromEntries(all.filter(([, lines]) => lines.length > 0))
}

/** The variables that the value has in it, and that are empty. */
function emptyIn(value: DraftValue): string[] {
  if (value instanceof Mixed)
    return value.parts.filter(isReference).flatMap(({ variable, value }) => (value === '' ? [variable] : []))
  if (value instanceof FileText || typeof value !== 'object') return []
  return [...new Set(Object.values(value).flatMap(emptyIn))]
}

/** What validation has against a part of a spec, in one line; nothing where it depends on values that are not known. */
export function faultOf(fields: DraftFields): string | undefined {
  const known = knownValue(fields)
  if (known === undefined) return undefined
  try {
    validate(known, 'it')
    return undefined
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
    const [, ...lines] = error.message.split('\n')
    return lines.map((line) => line.trim().replace(/^(steps|tags)\[0\]:? /, '')).join('; ')
  }
}

/** The value with its variables filled in; undefined if one has no value. */
function knownValue(value: DraftValue): unknown {
  if (typeof value === 'string' || value instanceof Mixed) return knownText(value)
  if (typeof value !== 'object') return value
  if (value instanceof FileText) return 'the text of a file'
  const known = Object.entries(value).map(([name, inner]) => [name, knownValue(inner)] as const)
  if (known.some(([, inner]) => inner === undefined)) return undefined
  return Array.isArray(value) ? known.map(([, inner]) => inner) : Object.fromEntries(known)
}
