import { type Digest, digestOf } from '../oci/digest.ts'
import { OUTLINE_VERSION } from '../oci/layer-outline.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Fingerprint } from '../provision/fingerprint.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { UNREAD } from './unread-base.ts'

/**
 * Goes up whenever a change of ours makes the same plan and inputs give another tree or cached result: then
 * nothing that an older ocibake kept is used.
 */
const FORMAT = 2

/** What a build starts from: a JSON value for each thing that people would call by another name. */
export interface Start {
  /** The bytes of the base, and what scripts see of its config. */
  readonly base: readonly unknown[]
  readonly platform: string
  /** Seconds: what undated files are dated by while a script runs. */
  readonly created: number
  /** false: unless a tarball is newer. */
  readonly isGiven: boolean
  /** 'inexact': scripts may have run in a sandbox that loses owners. What that made is nothing for other builds. */
  readonly owners: 'exact' | 'inexact'
}

export interface StartOptions {
  readonly allowInexactOwnership?: boolean
}

export async function startOf(plan: Plan, base: Base, options: StartOptions): Promise<Start> {
  const { Env = [], WorkingDir = '' } = base.config.config ?? {}
  return {
    base: plan.readBase ? [base.contents, Env, WorkingDir] : UNREAD,
    platform: formatPlatform(plan.platform),
    created: plan.created ?? (plan.readBase ? await base.created() : 0),
    isGiven: plan.created !== undefined,
    owners: options.allowInexactOwnership === true ? 'inexact' : 'exact',
  }
}

/** The key of a chain of steps before its first. */
export function startKey(start: Start): Digest {
  return keyOf('start', FORMAT, start)
}

/** The key of the chain with one more step. The same key means the same tree, but for what a script makes of chance. */
export function stepKey(before: Digest, { text, input }: Fingerprint): Digest {
  return keyOf('step', before, text, input)
}

/** The key behind a script, whose result is not decided by its input alone: two runs may leave different trees. */
export function resultKey(step: Digest, result: Digest): Digest {
  return keyOf('result', step, result)
}

/** Goes up whenever more is searched for in a layer: what an older ocibake let pass is searched again. */
const SEARCHED = 2

/** Goes up whenever the same tree becomes another layer. */
const LAYER_FORMAT = 2

/**
 * The key of the finished layer: what is done to the tree behind the last step, how it is written, what may be in it.
 * @param blobs of which parts may be in it
 */
export function layerKey(last: Digest, plan: Plan, blobs: readonly Digest[]): Digest {
  const { layers, compression, recompress, mediaTypes, normalise, allowSecrets } = plan
  const writing = [LAYER_FORMAT, layers, compression, recompress, mediaTypes]
  return keyOf('layer', last, writing, normalise, blobs, SEARCHED, allowSecrets)
}

/**
 * The key of what was searched for secrets.
 * @param what stands for certain parts of certain files
 * @param names what the secrets are called: specs that have others do not take each other's record away
 */
export function searchKey(what: Digest, names: readonly string[]): Digest {
  return keyOf('search', what, [...new Set(names)].sort(), SEARCHED)
}

/** The key of what is known of a layer without its files. */
export function outlineKey(diffId: Digest): Digest {
  return keyOf('outline', OUTLINE_VERSION, diffId)
}

function keyOf(...parts: readonly unknown[]): Digest {
  return digestOf(`ocibake ${canonical(parts)}`)
}

/** JSON with the keys of objects sorted, so that the order in which a spec names them does not count. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  const sorted = fields.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
}
