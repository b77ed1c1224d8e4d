import { resolve } from 'node:path'
import { againIfDamaged } from './build/again-if-damaged.ts'
import { Aside } from './build/aside.ts'
import { assemble, draftConfig } from './build/assemble.ts'
import type { Base } from './build/base.ts'
import type { CacheUse } from './build/cache-use.ts'
import { checkSpace } from './build/check-space.ts'
import { findLayer, keepLayer, searchKnown } from './build/layer-cache.ts'
import { copiesBaseBlocks, copiesBlocks, layerSources } from './build/layer-sources.ts'
import { addsNothing, type Made, makeTree } from './build/make-tree.ts'
import { onlyNews } from './build/only-news.ts'
import { openBase } from './build/open-base.ts'
import { ownCredentials } from './build/own-credentials.ts'
import { preflight } from './build/preflight.ts'
import { refuseSecretFiles, refuseSecretTexts } from './build/search-image.ts'
import { SearchedBefore } from './build/searched-before.ts'
import { markOf } from './build/searched-for.ts'
import { earlyUpload, type Shipped, ship, targetsOf } from './build/ship.ts'
import { keepStamps } from './build/source-stamps.ts'
import type { BuildSurroundings } from './build/surroundings.ts'
import { takeInputs } from './build/take-inputs.ts'
import { type TakenSources, takeSources } from './build/take-sources.ts'
import { ThreadsAhead } from './build/threads-ahead.ts'
import { unlessFound } from './build/unless-found.ts'
import { warnAgain } from './build/warnings.ts'
import type { Report } from './events.ts'
import { isEmptyLayer } from './oci/diff.ts'
import type { EarlyPool } from './oci/early-pool.ts'
import type { Image } from './oci/image.ts'
import type { Layer } from './oci/layer.ts'
import type { LayerThreads } from './oci/layer-threads.ts'
import type { Tree } from './oci/node.ts'
import { formatPlatform } from './oci/platform.ts'
import type { Reference } from './oci/reference.ts'
import type { Store } from './oci/store.ts'
import type { Transport } from './oci/transport.ts'
import { writeLayer } from './oci/write-layer.ts'
import { RootKeeper } from './provision/root-keeper.ts'
import type { RegistryConnection } from './registry/connection.ts'
import type { EarlyUpload } from './registry/early-upload.ts'
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
  /** 'auto' or the name of one. */
  readonly sandbox: string
  /** A sandbox will do that loses owners that scripts give to files; default: false. */
  readonly allowInexactOwnership?: boolean
  /** Default: 'all'. */
  readonly cache?: CacheUse
  /** For the command line, which starts it by `lookAhead` before there is a plan, and closes it. */
  readonly earlyPool?: EarlyPool
  /** Called, perhaps more than once, when there is going to be a layer to write: before that takes memory. */
  onLayer?(): void
  /** For proxies of scripts and `env:` secrets. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly report: Report
  readonly signal: AbortSignal
}

export interface BuildResult {
  readonly image: Image
  readonly shipped: Shipped
}

/**
 * Builds the image of a plan, and ships it: writes every output and pushes every tag. Nothing is written or tagged before
 * the whole image is in the store, so a build that fails leaves no output behind; building again is always safe. That is
 * done here when something in the store turns out to be damaged, once.
 * @throws OcibakeError of every kind
 */
export function build(plan: Plan, options: BuildOptions): Promise<BuildResult> {
  return againIfDamaged(options.report, () => buildOnce(plan, options))
}

async function buildOnce(plan: Plan, options: BuildOptions): Promise<BuildResult> {
  const { store, report, signal } = options
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
  await using sources = takeSources(plan, { ...surroundings, onChange: () => void threads.start() })
  const isWritten = plan.layers === 'squash'
  const needs = { blocks: copiesBaseBlocks(plan), unpacked: !addsNothing(plan), isWritten }
  const base = await openBase(plan.base, { ...options, platform: plan.platform, ...needs })
  const early = await earlyUpload(targets, options)
  const around = { ...options, ...surroundings, early, targets, threads }
  try {
    await foreseen
    // Before a line of the log shows what a step is called, and again when more is known to be secret.
    refuseSecretTexts(plan, base, draftConfig(plan, base), (await ownCredentials(plan, around)).all)
    const { layer: written, isOld, created, tree } = await layerOf(plan, base, sources, around)
    const image = await assemble(store, plan, base, written, created)
    refuseSecretTexts(plan, base, image.config.document, (await ownCredentials(plan, around)).all)
    const size = image.layers.reduce((sum, layer) => sum + layer.size, image.config.descriptor.size)
    report({ type: 'image-built', digest: image.manifest.digest, size, layers: image.layers.length })
    signal.throwIfAborted()
    const shipped = await ship(image, plan, { ...options, base, isOld, early, tree })
    return { image, shipped }
  } finally {
    await early?.abandon()
    await base.close()
  }
}

interface Ready {
  /** undefined: nothing is appended. */
  readonly layer: Layer | undefined
  /** An earlier build has made it. */
  readonly isOld: boolean
  readonly created: number
  /** The whole filesystem. */
  tree(): Promise<Tree>
}

function surroundingsOf(
  plan: Plan,
  own: Pick<BuildSurroundings, 'roots' | 'aside'>,
  options: BuildOptions,
): BuildSurroundings {
  const { store, outputs, cache = 'all', connection } = options
  const ownOutputs = new Set([store.root, ...outputs.flatMap(pathOf)])
  return { ...options, ...own, cache, ownOutputs, network: connection.network, blocks: copiesBlocks(plan) }
}

interface LayerOptions
  extends BuildSurroundings,
    Pick<BuildOptions, 'connection' | 'outputs' | 'earlyPool' | 'onLayer'> {
  readonly early: EarlyUpload | undefined
  readonly targets: readonly Reference[]
  readonly threads: ThreadsAhead
}

/** The layer of an earlier build into which the same went, else a new one. */
async function layerOf(plan: Plan, base: Base, sources: TakenSources, options: LayerOptions): Promise<Ready> {
  const { store, report, cache, roots, aside, signal } = options
  const isChecked = await fetchAhead(plan, base, options)
  const inputs = await takeInputs(plan, base, sources, options)
  const make = (said = report) => makeTree(plan, base, inputs, { ...options, report: said })
  const known = cache === 'all' ? await findLayer(store, plan, inputs) : undefined
  if (known !== undefined) {
    const { layer, created, warnings } = known.record
    report({ type: 'layer-cached', digest: layer?.digest ?? null })
    // It was thought that something had changed.
    if (options.earlyPool !== undefined) void aside.begun(keepStamps(store, plan, inputs.fingerprints))
    await searchKnown(store, plan, known, await ownCredentials(plan, options), signal)
    warnAgain(report, warnings)
    return {
      layer: layer ?? undefined,
      isOld: true,
      created,
      tree: async () => (await make(onlyNews(report))).tree(),
    }
  }
  if (!isChecked) await checkSpace(plan, base, options)
  const threads = await options.threads.start()
  const made = await make()
  // Goes on beside what follows, and is waited for at the end.
  void roots.discard()
  const credentials = await ownCredentials(plan, options)
  // Nothing that was shown to somebody in this build can be in a file that an earlier one has searched.
  const memory = new SearchedBefore(store, credentials.kept)
  // Salted and slow to make on purpose, by another thread: not to be waited for behind the layer.
  const mark = markOf(credentials.kept)
  mark.catch(() => {})
  const writing = unlessFound(signal, {
    make: (either) => compressed(plan, base, made, threads, { ...options, signal: either }),
    search: (either) => refuseSecretFiles(plan, made, credentials.all, { memory, signal: either }),
  })
  void aside.begun(keepStamps(store, plan, inputs.fingerprints))
  const layer = await writing
  await memory.commit()
  await keepLayer(store, plan, inputs, made, layer, await mark)
  return { ...made, layer, isOld: false }
}

/**
 * Has the base's layers fetched beside the sources if the store lacks one: then no earlier build has left the image. Has
 * them read if something seems to have changed.
 * @returns whether the store lacks one, and there is room for them
 */
async function fetchAhead(plan: Plan, base: Base, options: LayerOptions): Promise<boolean> {
  if (addsNothing(plan)) return false
  const known = await Promise.all(base.blobs.map(({ digest }) => options.store.has(digest)))
  const isLacking = known.includes(false)
  if (isLacking) {
    options.onLayer?.()
    await checkSpace(plan, base, options)
  }
  // Whoever asks for the tree later gets the failure.
  if (isLacking || options.earlyPool !== undefined) base.tree().catch(() => {})
  return isLacking
}

/** Where an output lands on this machine, if it does. */
function pathOf(output: Transport): string[] {
  if (output.kind === 'docker') return []
  return [resolve(output.kind === 'oci' ? output.folder : output.file)]
}

/** undefined when there is nothing to append. A squashed image always has its one layer. */
async function compressed(
  plan: Plan,
  base: Base,
  made: Made,
  threads: LayerThreads | undefined,
  { store, report, signal, early }: LayerOptions,
): Promise<Layer | undefined> {
  if (plan.layers === 'append' && isEmptyLayer(made.layer)) return undefined
  const task = 'layer'
  report({ type: 'task-started', task, label: 'writing the layer' })
  const written = await writeLayer(store, made.layer, {
    sources: await layerSources(plan, base, made.tarballs, { store, signal }),
    compression: plan.compression,
    mediaTypes: plan.mediaTypes,
    signal,
    ...(threads === undefined ? {} : { threads }),
    onProgress: (done) => report({ type: 'task-progress', task, done }),
    ...(early === undefined ? {} : { onFile: (file) => early.start(file) }),
  })
  report({ type: 'task-finished', task })
  return written
}
