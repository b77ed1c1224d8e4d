import { CacheRepo } from '../build/cache-repo.ts'
import { type CacheUse, stepNumber } from '../build/cache-use.ts'
import { type BuildOptions, type BuildResult, build } from '../build.ts'
import { OcibakeError } from '../errors.ts'
import { EarlyPool } from '../oci/early-pool.ts'
import type { EarlyScan } from '../oci/early-scan.ts'
import { parseTransport, type Transport } from '../oci/transport.ts'
import { checkWritable } from '../oci/write-file.ts'
import type { Plan } from '../spec/plan.ts'
import { boundCache, cacheBound } from './bound-cache.ts'
import { cacheRepoOf } from './cache-repo-of.ts'
import { describeResult, writeMetadata } from './metadata.ts'
import type {
  CacheBoundOptions,
  CacheRepoOptions,
  CacheUseOptions,
  ProgressMode,
  SessionOptions,
  SpecOptions,
} from './options.ts'
import { type Planned, plansOf } from './plans-of.ts'
import { startProgress } from './progress.ts'
import { refuseCollisions } from './refuse-collisions.ts'
import { openSession, type Session } from './session.ts'
import { setForLayer, smallHeap } from './small-heap.ts'
import { takeBytes, usesStdout } from './standard-output.ts'
import type { Surroundings } from './surroundings.ts'

/** The options of `ocibake build`, as commander gives them. */
export interface BuildActionOptions
  extends SpecOptions,
    SessionOptions,
    CacheUseOptions,
    CacheBoundOptions,
    CacheRepoOptions {
  readonly push?: boolean
  readonly allowImmutableTags?: boolean
  readonly output?: string[]
  readonly sandbox: string
  readonly allowInexactOwnership?: boolean
  readonly progress: ProgressMode
  readonly metadataFile?: string
}

/** What the store says of the builds to come before any of them is planned. */
export interface Foreseen {
  /** For the first layer that is written; closed by the caller. */
  readonly earlyPool?: EarlyPool | undefined
  /** For the first base that is fetched; closed by the caller. */
  readonly earlyScan?: EarlyScan | undefined
  /** Some spec was never built with this store. */
  readonly isFirst: boolean
  /** Many files of this machine went into one the last time. */
  readonly hasMany: boolean
}

/**
 * Plans every spec before it builds the first; prints each image's digest as it is there. Then the cache is brought to
 * the size that it may have. Digests go to stderr where stdout gets an image.
 */
export async function buildAction(
  specs: readonly string[],
  options: BuildActionOptions,
  around: Surroundings,
  { earlyPool: startedEarly, earlyScan, isFirst, hasMany }: Foreseen,
): Promise<void> {
  const bound = cacheBound(options, around)
  const elsewhere = cacheRepoOf(options, around)
  // Every spec is checked before the first is built.
  const planned: Planned[] = []
  for (const spec of specs) planned.push(await plansOf(spec, options, around))
  const plans = planned.flatMap((one) => one.plans)
  const env = Object.assign({}, ...planned.map(({ environment }) => environment), around.env)
  const jobs = plans.map((plan) => ({ plan, outputs: outputsOf(plan, options), cache: cacheUse(plan, options) }))
  const isPiped = usesStdout(jobs, around)
  refuseCollisions(jobs, options.push === true)
  if (options.metadataFile !== undefined) await checkWritable(options.metadataFile)
  // A first build takes most memory, and one of many files takes it before it is known what there is to do. Not before
  // specs are loaded: Node's own code, of which loading takes much, is compiled anew afterwards.
  const mayTakeLittle = plans.every(
    ({ layers, readBase }) => layers === 'append' && (elsewhere !== undefined || !readBase),
  )
  if (hasMany || (isFirst && !mayTakeLittle)) smallHeap()
  // Where the base need not come first, a thread would be waited for.
  await using startedNow = isFirst && mayTakeLittle && !startedEarly ? new EarlyPool() : undefined
  const earlyPool = startedEarly ?? startedNow
  const began = Date.now()

  using progress = await startProgress(options.progress, around)
  for (const warning of planned.flatMap(({ warnings }) => warnings)) progress.report({ type: 'warning', ...warning })
  await using session = await openSession(options, around, progress.report, earlyScan)
  const { connection } = session
  const { report } = progress
  const cacheRepo = elsewhere && new CacheRepo({ ...elsewhere, connection, report })
  const built: { plan: Plan; result: BuildResult }[] = []
  const stdout = isPiped ? { stdout: takeBytes(around.results) } : {}
  const print = isPiped ? (text: string) => void around.stderr.write(text) : around.stdout
  for (const { plan, outputs, cache } of jobs) {
    const chosen = { outputs, ...stdout, cache, cacheRepo, onLayer: setForLayer, ...(earlyPool && { earlyPool }) }
    const result = await buildOne(plan, chosen, options, { ...around, env }, session, progress.report)
    built.push({ plan, result })
    const described = describeResult(plan, result)
    print(`${options.progress === 'json' ? JSON.stringify(described) : described.digest}\n`)
  }
  if (options.metadataFile !== undefined) await writeMetadata(options.metadataFile, built)
  await boundCache(session.store, bound, began, progress.report)
}

function buildOne(
  plan: Plan,
  chosen: Pick<BuildOptions, 'outputs' | 'stdout' | 'cache' | 'cacheRepo' | 'onLayer' | 'earlyPool'>,
  options: BuildActionOptions,
  around: Surroundings,
  { store, connection }: Session,
  report: Parameters<typeof openSession>[2],
): Promise<BuildResult> {
  const { env, signal } = around
  const push = options.push === true
  const { sandbox, allowInexactOwnership = false, allowImmutableTags = false } = options
  const allowed = { allowInexactOwnership, allowImmutableTags }
  return build(plan, { store, connection, push, ...chosen, sandbox, ...allowed, env, report, signal })
}

/** @throws USAGE for a step that the plan does not have, and for two options that say different things */
function cacheUse(plan: Plan, { cache, cacheFrom }: BuildActionOptions): CacheUse {
  if (cache === false && typeof cacheFrom === 'string') {
    throw new OcibakeError('USAGE', '--no-cache and --no-cache-from do not go together.', {
      hint: `--no-cache takes nothing from the cache; --no-cache-from ${cacheFrom} takes what comes before that step.`,
    })
  }
  if (cache === false) return 'none'
  return typeof cacheFrom === 'string' ? { before: stepNumber(plan, cacheFrom) } : 'all'
}

function outputsOf(plan: Plan, options: BuildActionOptions): Transport[] {
  if (options.push === true && plan.tags.length === 0) {
    throw new OcibakeError('USAGE', `--push: ${plan.file} has no tags.`, {
      hint: 'Add `tags` to the spec, or --tag REF.',
    })
  }
  const wanted = (options.output ?? []).map(parseTransport)
  return wanted.length > 0 || options.push === true ? wanted : [parseTransport(`oci:out/${plan.name}:latest`)]
}
