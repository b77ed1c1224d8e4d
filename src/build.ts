import { resolve } from 'node:path'
import { againIfDamaged } from './build/again-if-damaged.ts'
import { Aside } from './build/aside.ts'
import { assemble, draftConfig } from './build/assemble.ts'
import type { CacheRepo } from './build/cache-repo.ts'
import type { CacheUse } from './build/cache-use.ts'
import { finishedLayer } from './build/finished-layer.ts'
import { copiesBaseBlocks, copiesBlocks } from './build/layer-sources.ts'
import { needsBase } from './build/make-tree.ts'
import { openBase } from './build/open-base.ts'
import { ownCredentials } from './build/own-credentials.ts'
import { preflight } from './build/preflight.ts'
import { pushCache } from './build/push-cache.ts'
import type { MadeSbom, SbomOptions, ShippedSbom, sbomOf } from './build/sbom.ts'
import { refuseSecretTexts } from './build/search-image.ts'
import type { SourceOf } from './build/shared-sources.ts'
import { donorsOf, earlyPush, type PartOfIndex, pushCheck, type Shipped, ship, targetsOf } from './build/ship.ts'
import type { BuildSurroundings } from './build/surroundings.ts'
import { takeSources } from './build/take-sources.ts'
import { ThreadsAhead } from './build/threads-ahead.ts'
import { unreadBase } from './build/unread-base.ts'
import { attemptReports } from './build/warnings.ts'
import type { Report } from './events.ts'
import type { EarlyPool } from './oci/early-pool.ts'
import type { Image } from './oci/image.ts'
import { formatPlatform } from './oci/platform.ts'
import type { Store } from './oci/store.ts'
import { isStdout, type Transport } from './oci/transport.ts'
import type { TakeBytes } from './oci/write-piped.ts'
import { RootKeeper } from './provision/root-keeper.ts'
import type { RegistryConnection } from './registry/connection.ts'
import type { Donor } from './registry/push.ts'
import type { Plan } from './spec/plan.ts'

export interface BuildOptions {
  /** Opened by the caller, who closes it. */
  readonly store: Store
  readonly connection: RegistryConnection
  /** Push to every tag of the plan. */
  readonly push: boolean
  /** A tag that its registry does not let be moved stays, with a warning; default: false, that is an error. */
  readonly allowImmutableTags?: boolean
  /** Written beside or instead of a push. */
  readonly outputs: readonly Transport[]
  /** A list of what is in the image; default: none, and nothing is done for it. */
  readonly sbom?: SbomOptions | undefined
  /** For an output whose path is `-`; default: there can be none. */
  readonly stdout?: TakeBytes
  /** What the caller writes about the image afterwards: like outputs, it does not get into what is copied. */
  readonly metadataFile?: string | undefined
  /** 'auto' or the name of one. */
  readonly sandbox: string
  /** A sandbox will do that loses owners that scripts give to files; default: false. */
  readonly allowInexactOwnership?: boolean
  /** Default: 'all'. */
  readonly cache?: CacheUse
  /** What builds of other machines have made, and what they find of this one; may be shared by builds. Default: none. */
  readonly cacheRepo?: CacheRepo | undefined
  /** For the command line, which starts it by `lookAhead` before there is a plan, and closes it. */
  readonly earlyPool?: EarlyPool
  /** Called, perhaps more than once, when there is going to be a layer to write: before that takes memory. */
  onLayer?(will: 'fetch' | 'write'): void
  /** For proxies of scripts and `env:` secrets. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly report: Report
  readonly signal: AbortSignal
}

export interface BuildResult {
  readonly image: Image
  readonly shipped: Shipped
  /** Where a list was asked for. */
  readonly sbom?: ShippedSbom
}

/** For `buildIndex`. */
export interface ImageOptions extends BuildOptions {
  readonly part?: PartOfIndex
  /** Of bases in registries; default: asked anew. */
  readonly sourceOf?: SourceOf
}

/** An image, and what a push of it can make use of. */
export interface BuiltImage extends BuildResult {
  /** An earlier build has made its layer. */
  readonly isOld: boolean
  readonly donors: readonly Donor[]
  /** Of a part that is kept: to be shipped behind the image. */
  readonly madeSbom?: MadeSbom | undefined
}

/**
 * Builds the image of a plan, and ships it: writes every output and pushes every tag. Nothing is written or tagged before
 * the whole image is in the store, so a build that fails leaves no output behind; building again is always safe. That is
 * done here when something in the store turns out to be damaged, once.
 * @throws OcibakeError of every kind
 */
export function build(plan: Plan, options: BuildOptions): Promise<BuildResult> {
  const attemptReport = attemptReports(options.report)
  return againIfDamaged(options.report, (needsFiles) =>
    buildImage(plan, { ...options, report: attemptReport() }, needsFiles),
  )
}

/** One attempt at `build`. @param needsFiles see `againIfDamaged` */
export async function buildImage(plan: Plan, options: ImageOptions, needsFiles: boolean): Promise<BuiltImage> {
  const { store, cacheRepo, part, report, signal } = options
  const began = Math.floor(Date.now() / 1000)
  const platform = formatPlatform(plan.platform)
  report({ type: 'build-started', spec: plan.file, platform, steps: plan.steps.length })
  await preflight(plan, options)
  await using roots = new RootKeeper(store)
  await using aside = new Aside()
  const targets = targetsOf(plan, options)
  const own = await Promise.all(targets.map((target) => options.connection.toOwn(target)))
  const foreseen = Promise.all(own.map((connection, i) => connection.foreseePush(targets[i]!, signal)))
  foreseen.catch(() => {})
  const surroundings = surroundingsOf(plan, { roots, aside }, options)
  await using threads = new ThreadsAhead(plan, options)
  // Sources and base are asked for at the same time: neither needs the other.
  const mayBeElsewhere = cacheRepo?.isReadable === true && surroundings.cache === 'all'
  // One that was started before knows that something changed here.
  const onChange = mayBeElsewhere && options.earlyPool === undefined ? () => {} : () => void threads.start()
  await using sources = takeSources(plan, { ...surroundings, onChange })
  const isWritten = plan.layers === 'squash'
  const needs = { blocks: copiesBaseBlocks(plan), unpacked: !mayBeElsewhere && needsBase(plan), isWritten }
  const opened = await openBase(plan.base, { ...options, platform: plan.platform, ...needs })
  const base = plan.readBase ? opened : unreadBase(opened)
  const early = await earlyPush(targets, options)
  const credentialed = cacheRepo === undefined ? targets : [...targets, cacheRepo.reference]
  // What fails meanwhile does not wait for a registry that does not answer.
  const ending = new AbortController()
  const mayPush = pushCheck(targets, options, AbortSignal.any([signal, ending.signal]))
  const around = {
    ...options,
    ...surroundings,
    early,
    mayPush,
    targets: credentialed,
    threads,
    needsFiles: needsFiles || options.sbom !== undefined,
  }
  try {
    await foreseen
    // Before a line of the log shows what a step is called, and again when more is known to be secret.
    refuseSecretTexts(plan, base, draftConfig(plan, base), (await ownCredentials(plan, around)).all)
    const finished = await finishedLayer(plan, base, sources, around)
    // A layer on top of what nobody has read may be older than that.
    const created = plan.created ?? Math.max(finished.created, await base.created())
    const image = await assemble(store, plan, base, finished.layer, created)
    const credentials = (await ownCredentials(plan, around)).all
    refuseSecretTexts(plan, base, image.config.document, credentials)
    const size = image.layers.reduce((sum, layer) => sum + layer.size, image.config.descriptor.size)
    report({ type: 'image-built', digest: image.manifest.digest, size, layers: image.layers.length })
    signal.throwIfAborted()
    const made =
      options.sbom && (await makeSbom(plan, base, finished, image, options.sbom, { ...options, credentials }))
    let sbom: ShippedSbom | undefined
    const besides = async () => {
      sbom = await made?.ship(targets)
    }
    const shipped = await ship(image, plan, { ...options, base, finished, early, besides })
    const pushed = part === 'keep' ? [] : targets
    if (cacheRepo !== undefined) await pushCache(plan, base, finished, cacheRepo, { ...around, began, pushed })
    const donors = await donorsOf({ base, cacheRepo, finished })
    return { image, shipped, isOld: finished.isOld, donors, madeSbom: made, ...(sbom && { sbom }) }
  } finally {
    ending.abort()
    await early?.abandon()
    await base.close()
  }
}

function surroundingsOf(
  plan: Plan,
  own: Pick<BuildSurroundings, 'roots' | 'aside'>,
  options: BuildOptions,
): BuildSurroundings {
  const { store, outputs, sbom, cache = 'all', connection } = options
  const files = [sbom?.file, options.metadataFile].flatMap((file) => (file === undefined ? [] : [resolve(file)]))
  const ownOutputs = new Set([store.root, ...outputs.flatMap(pathOf), ...files])
  return { ...options, ...own, cache, ownOutputs, network: connection.network, blocks: copiesBlocks(plan) }
}

/** Of a build without such a list, nothing of that is loaded. */
async function makeSbom(...args: Parameters<typeof sbomOf>): ReturnType<typeof sbomOf> {
  const { sbomOf } = await import('./build/sbom.ts')
  return await sbomOf(...args)
}

/** Where an output lands on this machine, if it does. */
function pathOf(output: Transport): string[] {
  if (output.kind === 'docker' || isStdout(output)) return []
  return [resolve(output.kind === 'oci' ? output.folder : output.file)]
}
