import { isJsonObject } from '../oci/json.ts'
import type { Mistake } from './mistake.ts'

/** Steps for which it must be known what is in the image. */
const NEED_ALL: ReadonlySet<string> = new Set(['remove', 'run', 'ansible'])

/** What a spec that says `readBase: false` cannot have besides. Nothing else of it has been checked. */
export function mistakesWithoutBase(spec: Readonly<Record<string, unknown>>): Mistake[] {
  const mistakes: Mistake[] = []
  if (spec.layers !== 'append') {
    mistakes.push({
      where: 'readBase',
      what: "is for layers 'append': one layer for the whole image has the base in it",
    })
  }
  if (spec.from === 'scratch' || isJsonObject(spec.from)) {
    mistakes.push({ where: 'readBase', what: 'is for a base that has a manifest' })
  }
  const steps = Array.isArray(spec.steps) ? spec.steps : []
  return [...mistakes, ...steps.flatMap((step, index) => mistakesOfStep(step, `steps[${index}]`))]
}

function mistakesOfStep(step: unknown, where: string): Mistake[] {
  if (!isJsonObject(step)) return []
  const verb = Object.keys(step)[0] ?? ''
  if (NEED_ALL.has(verb)) {
    return [{ where: `${where} (${verb})`, what: 'needs to know what is in the base; leave `readBase: false` out' }]
  }
  return ['owner', 'by'].flatMap((field) => {
    const owner = step[field]
    if (typeof owner !== 'string' || /^[\d:]+$/.test(owner) || (verb === 'unpack' && owner === 'archive')) return []
    const what = `'${owner}' has names that only the base knows; with \`readBase: false\` owners are numbers`
    return [{ where: `${where} (${verb}): ${field}`, what }]
  })
}
