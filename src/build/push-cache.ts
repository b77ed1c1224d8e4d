import { messageOf, OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Digest } from '../oci/digest.ts'
import { layerOfTar } from '../oci/layer-read.ts'
import { compressionOf, layerType } from '../oci/layer-type.ts'
import type { Reference } from '../oci/reference.ts'
import type { Store } from '../oci/store.ts'
import { writeLayer } from '../oci/write-layer.ts'
import { isCached, isScript } from '../provision/step.ts'
import type { ArtifactBlob } from '../registry/artifacts.ts'
import { looksRandom, strength } from '../secrets/randomness.ts'
import { SecretPatterns, SecretSearch } from '../secrets/secret-search.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import type { Plan, PlannedStep } from '../spec/plan.ts'
import type { Aside } from './aside.ts'
import type { Base } from './base.ts'
import { pushOutlines } from './base-outlines.ts'
import { isTaken } from './cache-entries.ts'
import { layerKey, resultKey, startKey, stepKey } from './cache-keys.ts'
import type { CacheRepo, EntryKind } from './cache-repo.ts'
import type { CacheUse } from './cache-use.ts'
import type { FinishedLayer } from './finished-layer.ts'
import { type OwnCredentials, type OwnCredentialsOptions, ownCredentials } from './own-credentials.ts'
import { refuseSecretDelta } from './search-image.ts'
import { type LayerRecord, readLayerRecord, type StepRecord } from './step-record.ts'
import { findResult } from './step-results.ts'

export interface PushCacheOptions extends OwnCredentialsOptions {
  readonly store: Store
  readonly aside: Aside
  readonly cache: CacheUse
  /** Of this build, seconds since 1970: what was run since is new. */
  readonly began: number
  /** Where the image is. */
  readonly pushed: readonly Reference[]
  readonly report: Report
  readonly signal: AbortSignal
}

/** Bits of a value that nobody guesses at some milliseconds a guess, if it is not made of words. */
const SAFE = 80

/** What this build used or made of one kind. */
interface Kept<Record> {
  readonly key: Digest
  readonly record: Record
  /** It was made now: whatever the repository has of it is older. */
  readonly isNew: boolean
}

type KeptStep = Kept<StepRecord> & { readonly planned: PlannedStep }

/**
 * Puts into the repository what it does not have of the finished layer, of results of scripts and of the base. Whatever goes
 * wrong is told, and is no failure: the image is where it should be. @throws the signal's reason
 */
export async function pushCache(...[plan, base, finished, repo, options]: Parameters<typeof pushAll>): Promise<void> {
  if (!repo.isWritable) return
  try {
    await pushAll(plan, base, finished, repo, options)
  } catch (error) {
    if (options.signal.aborted) throw error
    const message = `Not all could be put into the cache repository ${repo.name}: ${messageOf(error)}`
    options.report({ type: 'warning', message })
  }
}

async function pushAll(
  plan: Plan,
  base: Base,
  finished: FinishedLayer,
  repo: CacheRepo,
  options: PushCacheOptions,
): Promise<void> {
  const { steps, layer } = await keptBy(plan, finished, repo, options)
  const credentials = await ownCredentials(plan, options)
  const { all } = credentials
  const puts: Promise<boolean | number>[] = []
  const begin = (put: Promise<boolean | number>) => puts.push(options.aside.begun(put))
  if (layer !== undefined) begin(putLayer(layer, repo, credentials, options))
  // One more layer on top of the base is what another machine can make by them.
  const isOutlined = plan.layers === 'append' && !finished.isOld
  if (isOutlined) begin(pushOutlines(base, repo, options.store, options.signal))
  const news = await Promise.all(
    steps.map(async (step) => isTaken(step.record) && (await isWanted(repo, 'step', step, options))),
  )
  for (const step of steps.filter((_, i) => news[i])) {
    // One after the other: each is compressed by as many threads as there are.
    const blob = await deltaOf(plan, step, all, options)
    if (blob === undefined || hasSecret(step.record, all)) continue
    begin(repo.put('step', step.key, step.record, [blob], options.signal))
  }
  const done = (await Promise.all(puts)).reduce<number>((sum, count) => sum + Number(count), 0)
  if (done > 0) options.report({ type: 'note', message: `put into the cache repository ${repo.name}: ${done} new` })
}

async function keptBy(
  plan: Plan,
  { inputs, isOld }: FinishedLayer,
  cacheRepo: CacheRepo,
  { store, cache, began, signal }: PushCacheOptions,
): Promise<{ steps: readonly KeptStep[]; layer?: Kept<LayerRecord> }> {
  const steps: KeptStep[] = []
  let key = startKey(inputs.start)
  for (const planned of plan.steps) {
    key = stepKey(key, inputs.fingerprints[planned.number - 1]!)
    if (!isScript(planned.step)) continue
    if (!isCached(planned.step)) return { steps }
    const places = cache === 'all' ? { store, cacheRepo, signal } : { store, signal }
    const record = await findResult(key, places)
    if (record === undefined) return { steps }
    steps.push({ planned, key, record, isNew: record.started >= began })
    key = resultKey(key, record.diffId)
  }
  const last = layerKey(key, plan, inputs.blobs)
  const record = await readLayerRecord(store, last)
  return { steps, ...(record && { layer: { key: last, record, isNew: !isOld } }) }
}

/** What is there stays, but for what was run again though it was there. */
async function isWanted(
  repo: CacheRepo,
  kind: EntryKind,
  { key, record, isNew }: Kept<StepRecord | LayerRecord>,
  { cache, signal }: PushCacheOptions,
): Promise<boolean> {
  if (isNew && cache !== 'all') return true
  const found = await repo.find(kind, key, signal)
  return found === undefined || (isNew && record.kind === 'step' && found.record.object.diffId !== record.diffId)
}

async function putLayer(
  layerKept: Kept<LayerRecord>,
  repo: CacheRepo,
  { kept, all }: OwnCredentials,
  options: PushCacheOptions,
): Promise<boolean> {
  const { store, pushed, signal } = options
  const { key } = layerKept
  const { layer } = layerKept.record
  // Whoever finds the mark may try values until one gives it: what people choose is found so.
  const isSafe = kept.every(({ value }) => looksRandom(value) && strength(value) >= SAFE)
  const record = isSafe ? layerKept.record : { ...layerKept.record, searchedFor: '' }
  if (!isTaken(record) || !(await isWanted(repo, 'layer', layerKept, options)) || hasSecret(record, all)) return false
  if (layer === null) return await repo.put('layer', key, record, [], signal)
  if (!(await store.has(layer.digest))) return false
  const { registry, repository } = repo.reference
  const near = pushed.filter((target) => target.registry === registry && target.repository !== repository)
  const isThere = pushed.some((target) => target.registry === registry && target.repository === repository)
  const { digest, size } = layer
  // Not every registry takes Docker's types in a manifest of OCI's.
  const mediaType = layerType('oci', compressionOf(layer.mediaType) ?? 'gzip')
  const open = (start: number) => store.openBlob(digest, start)
  const blob = { descriptor: { mediaType, digest, size }, donor: isThere ? undefined : near[0]?.repository, open }
  return await repo.put('layer', key, record, [blob], signal)
}

/** What the script changed, compressed; undefined when it is not there any more, or has what nobody else may have. */
async function deltaOf(
  plan: Plan,
  { planned, record }: KeptStep,
  values: readonly SecretValue[],
  { store, report, signal }: PushCacheOptions,
): Promise<ArtifactBlob | undefined> {
  const tar = await store.findLayer(record.diffId)
  if (tar === undefined) return undefined
  const delta = layerOfTar(tar)
  try {
    await refuseSecretDelta(plan, planned, delta, values, signal)
  } catch (error) {
    if (!(error instanceof OcibakeError) || error.code !== 'SECRET_FOUND') throw error
    report({
      type: 'warning',
      message: `What step ${planned.number} (${planned.verb}) made is not put into the cache repository: ${error.message}`,
      hint: 'Others would find it there, even if a later step removes it: have the script itself remove it.',
    })
    return undefined
  }
  const { diffId, ...descriptor } = await writeLayer(store, delta, { compression: 'gzip', mediaTypes: 'oci', signal })
  if (diffId !== record.diffId) return undefined
  return { descriptor, donor: undefined, open: (start) => store.openBlob(descriptor.digest, start) }
}

/** Titles are commands, and warnings may have anything in them. */
function hasSecret({ title, warnings }: StepRecord | LayerRecord, values: readonly SecretValue[]): boolean {
  const search = new SecretSearch(new SecretPatterns(values, 'news'))
  search.push(Buffer.from([title, ...warnings.flatMap(({ message, hint = '' }) => [message, hint])].join('\n')))
  return search.end().length > 0
}
