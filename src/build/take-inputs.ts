import { resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Network } from '../network/network.ts'
import type { Digest } from '../oci/digest.ts'
import type { Store } from '../oci/store.ts'
import { type Fingerprint, fingerprint } from '../provision/fingerprint.ts'
import type { RootKeeper } from '../provision/root-keeper.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { type Start, startOf } from './cache-keys.ts'
import type { CacheUse } from './cache-use.ts'
import { Changes } from './last-build.ts'
import { copiesBaseBlocks } from './layer-sources.ts'

/** What a build needs beside its plan and its base to make the layer. */
export interface BuildSurroundings {
  readonly store: Store
  /** 'auto' or the name of one. */
  readonly sandbox: string
  readonly allowInexactOwnership?: boolean
  readonly roots: RootKeeper
  readonly cache: CacheUse
  /** See ArchiveTools. */
  readonly blocks: boolean
  /** See BuildFacts. */
  readonly ownOutputs: ReadonlySet<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly network: Network
  readonly report: Report
  readonly signal: AbortSignal
}

/** All that decides what a build makes: from now on, this is what it uses. */
export interface BuildInputs {
  readonly start: Start
  /** Of the base, if the layer may have parts of them. */
  readonly blobs: readonly Digest[]
  /** Of all steps, in their order. */
  readonly fingerprints: readonly Fingerprint[]
  readonly changes: Changes
}

/** @throws what steps throw for their inputs, with the step that it was */
export async function takeInputs(plan: Plan, base: Base, options: BuildSurroundings): Promise<BuildInputs> {
  const start = await startOf(plan, base, options)
  const fingerprints: Fingerprint[] = []
  const trust = options.cache !== 'none'
  for (const { number, verb, step } of plan.steps) {
    options.signal.throwIfAborted()
    try {
      fingerprints.push(await fingerprint(step, { ...options, trust, name: `${resolve(plan.file)} step ${number}` }))
    } catch (error) {
      throw error instanceof OcibakeError ? error.at(`${plan.file}, step ${number} (${verb})`) : error
    }
  }
  const blobs = copiesBaseBlocks(plan) ? base.blobs.map(({ digest }) => digest) : []
  return { start, blobs, fingerprints, changes: await Changes.since(options.store, plan, start, fingerprints) }
}
