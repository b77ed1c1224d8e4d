import { OcibakeError } from '../errors.ts'
import type { Plan } from '../spec/plan.ts'

/** Of which steps results of earlier builds are used. What a build makes is kept in any case. */
export type CacheUse = 'all' | 'none' | { readonly before: number }

/**
 * The step that `--no-cache-from` names: `4`, or as errors do it `run:2`, the second `run` step; `run` is the first.
 * @returns its number, from 1 @throws USAGE when the plan has no such step
 */
export function stepNumber(plan: Plan, name: string): number {
  const [, digits, verb, count = '1'] = /^(?:(\d+)|([a-z]+)(?::(\d+))?)$/.exec(name) ?? []
  const steps = plan.steps.filter((step) =>
    digits === undefined ? step.verb === verb : step.number === Number(digits),
  )
  const found = steps[digits === undefined ? Number(count) - 1 : 0]
  if (found !== undefined) return found.number
  const known = plan.steps.map((step) => `${step.number} (${step.verb})`).join(', ')
  throw new OcibakeError('USAGE', `--no-cache-from ${name}: ${plan.file} has no such step.`, {
    hint: known === '' ? 'It has no steps at all.' : `It has ${known}; or write verb:2 for the second of a verb.`,
  })
}

/** Whether the result of the step may come from an earlier build. */
export function mayUse(use: CacheUse, step: number): boolean {
  return use === 'all' || (use !== 'none' && step < use.before)
}
