import type { Digest } from '../oci/digest.ts'
import { isCached, isScript } from '../provision/step.ts'
import type { Plan } from '../spec/plan.ts'
import { resultKey, startKey, stepKey } from './cache-keys.ts'
import type { CacheUse } from './cache-use.ts'
import { findResult, type ResultPlaces } from './step-results.ts'
import type { BuildInputs } from './take-inputs.ts'

/** The key behind the last step; undefined when a script has to run, whose result nobody knows. */
export async function lastKey(
  plan: Plan,
  { start, fingerprints }: BuildInputs,
  places: ResultPlaces,
): Promise<Digest | undefined> {
  let key = startKey(start)
  for (const [i, { step }] of plan.steps.entries()) {
    key = stepKey(key, fingerprints[i]!)
    if (!isScript(step)) continue
    if (!isCached(step)) return undefined
    const record = await findResult(key, places)
    if (record === undefined) return undefined
    key = resultKey(key, record.diffId)
  }
  return key
}

/** Whether a script surely has to run. */
export async function hasToRun(
  plan: Plan,
  inputs: BuildInputs,
  { cache, ...places }: ResultPlaces & { readonly cache: CacheUse },
): Promise<boolean> {
  if (!plan.steps.some(({ step }) => isScript(step))) return false
  return cache === 'none' || (cache === 'all' && (await lastKey(plan, inputs, places)) === undefined)
}
