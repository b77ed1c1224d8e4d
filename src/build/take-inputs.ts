import type { Digest } from '../oci/digest.ts'
import type { Fingerprint } from '../provision/fingerprint.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { type Start, startOf } from './cache-keys.ts'
import { Changes } from './last-build.ts'
import { copiesBaseBlocks } from './layer-sources.ts'
import type { BuildSurroundings } from './surroundings.ts'
import type { TakenSources } from './take-sources.ts'

/** All that decides what a build makes: from now on, this is what it uses. */
export interface BuildInputs {
  readonly start: Start
  /** Of the base, if the layer may have parts of them. */
  readonly blobs: readonly Digest[]
  /** Of all steps, in their order. */
  readonly fingerprints: readonly Fingerprint[]
  readonly changes: Changes
}

/** @throws what `sources` throws, and what the base throws for its time */
export async function takeInputs(
  plan: Plan,
  base: Base,
  sources: TakenSources,
  options: Pick<BuildSurroundings, 'store' | 'allowInexactOwnership'>,
): Promise<BuildInputs> {
  const start = await startOf(plan, base, options)
  const fingerprints = await sources.fingerprints()
  const blobs = copiesBaseBlocks(plan) ? base.blobs.map(({ digest }) => digest) : []
  return { start, blobs, fingerprints, changes: await Changes.since(options.store, plan, start, fingerprints) }
}
