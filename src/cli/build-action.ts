import { CacheRepo } from '../build/cache-repo.ts'
import { type CacheUse, stepNumber } from '../build/cache-use.ts'
import { refuseOnePlatform } from '../build/refuse-index.ts'
import { type BuildOptions, build } from '../build.ts'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { EarlyPool } from '../oci/early-pool.ts'
import type { EarlyScan } from '../oci/early-scan.ts'
import { parseTransport, type Transport } from '../oci/transport.ts'
import { checkWritable } from '../oci/write-file.ts'
import type { Plan } from '../spec/plan.ts'
import { boundCache, cacheBound } from './bound-cache.ts'
import { cacheRepoOf } from './cache-repo-of.ts'
import { describeIndex, describeResult, type IndexMetadata, type Metadata, writeMetadata } from './metadata.ts'
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
import { type Job, refuseCollisions, refuseFileCollisions } from './refuse-collisions.ts'
import { type SbomCliOptions, sbomOptions } from './sbom-options.ts'
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
    CacheRepoOptions,
    SbomCliOptions {
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
 * Plans every spec before it builds the first; prints each image's digest, or that of the index of several, as it is
 * there: to stderr where stdout gets an image. Then the cache is brought to the size that it may have.
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
  const jobs = planned.flatMap(({ builds }) => builds).map((plans) => jobOf(plans, options))
  const plans = jobs.flatMap((job) => job.plans)
  const env = Object.assign({}, ...planned.map(({ environment }) => environment), around.env)
  const isPiped = usesStdout(jobs, around)
  refuseCollisions(jobs, options.push === true)
  refuseFileCollisions(jobs, [
    { option: '--sbom', file: options.sbom },
    { option: '--metadata-file', file: options.metadataFile },
  ])
  const sbom = sbomOptions(
    jobs.flatMap(({ plans, outputs }) => plans.map((plan) => ({ plan, outputs }))),
    options,
    around,
  )
  for (const file of [options.metadataFile, sbom?.file]) if (file !== undefined) await checkWritable(file)
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
  const built: (Metadata | IndexMetadata)[] = []
  const stdout = isPiped ? { stdout: takeBytes(around.results) } : {}
  const print = isPiped ? (text: string) => void around.stderr.write(text) : around.stdout
  for (const job of jobs) {
    const chosen = { sbom, ...stdout, cacheRepo, onLayer: setForLayer, ...(earlyPool && { earlyPool }) }
    const described = await buildJob(job, chosen, options, { ...around, env }, session, progress.report)
    built.push(described)
    print(`${options.progress === 'json' ? JSON.stringify(described) : described.digest}\n`)
  }
  if (options.metadataFile !== undefined) await writeMetadata(options.metadataFile, built)
  await boundCache(session.store, bound, began, progress.report)
}

/** What one name will stand for: an image, or an index of one for each plan. */
interface BuildJob extends Job {
  readonly plans: readonly Plan[]
  readonly cacheOf: (plan: Plan) => CacheUse
}

/** @throws USAGE */
function jobOf(plans: readonly Plan[], options: BuildActionOptions): BuildJob {
  const plan = plans[0]!
  const outputs = outputsOf(plan, options)
  if (plans.length > 1) refuseOnePlatform(plans, outputs)
  const uses = new Map(plans.map((one) => [one, cacheUse(one, options)]))
  return { plan, plans, outputs, cacheOf: (one) => uses.get(one)! }
}

async function buildJob(
  { plan, plans, outputs, cacheOf }: BuildJob,
  chosen: Pick<BuildOptions, 'sbom' | 'stdout' | 'cacheRepo' | 'onLayer' | 'earlyPool'>,
  options: BuildActionOptions,
  around: Surroundings,
  { store, connection }: Session,
  report: Report,
): Promise<Metadata | IndexMetadata> {
  const { env, signal } = around
  const push = options.push === true
  const { sandbox, metadataFile, allowInexactOwnership = false, allowImmutableTags = false } = options
  const allowed = { metadataFile, allowInexactOwnership, allowImmutableTags }
  const all = { store, connection, push, outputs, ...chosen, sandbox, ...allowed, env, report, signal }
  if (plans.length === 1) return describeResult(plan, await build(plan, { ...all, cache: cacheOf(plan) }))
  const { buildIndex } = await import('../build/build-index.ts')
  return describeIndex(plan, await buildIndex(plans, { ...all, cache: cacheOf }))
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
