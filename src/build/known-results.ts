import type { Digest } from '../oci/digest.ts'
import type { Store } from '../oci/store.ts'
import { isCached, isScript } from '../provision/step.ts'
import type { Plan } from '../spec/plan.ts'
import { resultKey, startKey, stepKey } from './cache-keys.ts'
import type { CacheUse } from './cache-use.ts'
import { readStepRecord } from './step-record.ts'
import type { BuildInputs } from './take-inputs.ts'

/** The key behind the last step; undefined when a script has to run, whose result nobody knows. */
export async function lastKey(
  store: Store,
  plan: Plan,
  { start, fingerprints }: BuildInputs,
): Promise<Digest | undefined> {
  let key = startKey(start)
  for (const [i, { step }] of plan.steps.entries()) {
    key = stepKey(key, fingerprints[i]!)
    if (!isScript(step)) continue
    if (!isCached(step)) return undefined
    const record = await readStepRecord(store, key)
    if (record === undefined) return undefined
    key = resultKey(key, record.diffId)
  }
  return key
}

/** Whether a script surely has to run. @param use of what earlier builds have left */
export async function hasToRun(store: Store, plan: Plan, inputs: BuildInputs, use: CacheUse): Promise<boolean> {
  if (!plan.steps.some(({ step }) => isScript(step))) return false
  return use === 'none' || (use === 'all' && (await lastKey(store, plan, inputs)) === undefined)
}
