import { apply } from '../oci/apply.ts'
import type { EarlyPool } from '../oci/early-pool.ts'
import type { Layer } from '../oci/layer.ts'
import type { LayerThreads } from '../oci/layer-threads.ts'
import { EMPTY, type Tree } from '../oci/node.ts'
import type { Reference } from '../oci/reference.ts'
import type { Transport } from '../oci/transport.ts'
import { writeLayer } from '../oci/write-layer.ts'
import { isScript } from '../provision/step.ts'
import type { RegistryConnection } from '../registry/connection.ts'
import type { EarlyPush } from '../registry/early-push.ts'
import type { Plan } from '../spec/plan.ts'
import { CacheRepoFault } from './again-if-damaged.ts'
import type { Base } from './base.ts'
import { askForOutlines, borrowOutlines, lackingLayers } from './base-outlines.ts'
import { checkSpace } from './check-space.ts'
import { fetchLayer, findLayer, isSearched, type KnownLayer, keepLayer, searchKnown } from './layer-cache.ts'
import { layerSources } from './layer-sources.ts'
import { addsNothing, type Made, makeTree } from './make-tree.ts'
import { onlyNews } from './only-news.ts'
import { ownCredentials } from './own-credentials.ts'
import { refuseSecretFiles } from './search-image.ts'
import { SearchedBefore } from './searched-before.ts'
import { markOf } from './searched-for.ts'
import { keepStamps } from './source-stamps.ts'
import type { BuildSurroundings } from './surroundings.ts'
import { type BuildInputs, takeInputs } from './take-inputs.ts'
import type { TakenSources } from './take-sources.ts'
import type { ThreadsAhead } from './threads-ahead.ts'
import { unlessFound } from './unless-found.ts'
import { warnAgain } from './warnings.ts'

/** What goes on top, or is all of the image. */
export interface FinishedLayer {
  /** undefined: nothing is appended. */
  readonly layer: Layer | undefined
  /** An earlier build has made it. */
  readonly isOld: boolean
  readonly created: number
  readonly inputs: BuildInputs
  /** Brings the layer into the store, where it is not yet. @throws CacheRepoFault */
  readonly fetch?: () => Promise<void>
  /** The whole filesystem. */
  tree(): Promise<Tree>
}

export interface FinishedLayerOptions extends BuildSurroundings {
  readonly connection: RegistryConnection
  readonly outputs: readonly Transport[]
  /** See BuildOptions. */
  readonly earlyPool?: EarlyPool
  /** See BuildOptions. */
  onLayer?(will: 'fetch' | 'write'): void
  readonly early: EarlyPush | undefined
  /** Fails as a push would, if that can be known. To be called before what takes long. */
  mayPush(): Promise<void>
  readonly targets: readonly Reference[]
  readonly threads: ThreadsAhead
  /** See BorrowOptions. */
  readonly needsFiles: boolean
}

/**
 * The layer of an earlier build into which the same went, else a new one.
 * @throws what steps throw, SECRET_FOUND, DISK_FULL, the signal's reason
 */
export async function finishedLayer(
  plan: Plan,
  base: Base,
  sources: TakenSources,
  options: FinishedLayerOptions,
): Promise<FinishedLayer> {
  const { store, report, cache, cacheRepo, roots, aside, signal } = options
  // Another machine may have made the layer: then nobody needs the base.
  const mayBeElsewhere =
    cache === 'all' && cacheRepo?.isReadable === true && (await lackingLayers(base, store)).size > 0
  using _ = mayBeElsewhere ? askForOutlines(plan, base, options) : null
  let isChecked = !mayBeElsewhere && (await fetchAhead(plan, base, options))
  const inputs = await takeInputs(plan, base, sources, options)
  const make = (said = report, lacksFiles = false) =>
    makeTree(plan, base, inputs, { ...options, lacksFiles, report: said })
  const known = cache === 'all' ? await knownLayer(plan, inputs, options) : undefined
  if (known !== undefined) {
    const { layer, created, warnings } = known.record
    report({ type: 'layer-cached', digest: layer?.digest ?? null })
    // It was thought that something had changed.
    if (options.earlyPool !== undefined) void aside.begun(keepStamps(store, plan, inputs.fingerprints))
    warnAgain(report, warnings)
    const fetch = known.isElsewhere ? fetching(known, options) : undefined
    const remade = async () => (await make(onlyNews(report))).tree()
    // A script might leave other files if it ran again than those that are in the layer.
    const hasScript = plan.steps.some(({ step }) => isScript(step))
    return {
      layer: layer ?? undefined,
      isOld: true,
      created,
      inputs,
      tree: layer && hasScript ? () => treeWith(layer, plan, base, fetch, options) : remade,
      ...(fetch && { fetch }),
    }
  }
  const isBorrowed = mayBeElsewhere && (await borrowOutlines(plan, base, inputs, options))
  void options.threads.start()
  if (mayBeElsewhere) isChecked = isBorrowed || (await fetchAhead(plan, base, options))
  // Registries forget uploads that nothing comes of: not before a base is fetched or a script runs.
  if (isChecked || plan.steps.some(({ step }) => isScript(step))) {
    await unlessFails(isChecked && !isBorrowed ? base.tree() : undefined, options.mayPush())
  } else pushAhead(plan, base, options)
  if (!isChecked) await checkSpace(plan, base, options)
  const made = await make(report, isBorrowed)
  const threads = await options.threads.forLayer()
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
  return { ...made, layer, isOld: false, inputs }
}

/**
 * The layer of an earlier build, here or on another machine, which is searched for credentials that nobody knew then.
 * @throws SECRET_FOUND, DISK_FULL, the signal's reason
 */
async function knownLayer(
  plan: Plan,
  inputs: BuildInputs,
  options: FinishedLayerOptions,
): Promise<KnownLayer | undefined> {
  const { store, cacheRepo, signal } = options
  const known = await findLayer(plan, inputs, options)
  if (known === undefined) return undefined
  const credentials = await ownCredentials(plan, options)
  if (await isSearched(known, credentials)) return known
  let searched: Awaited<ReturnType<typeof fetchLayer>> | undefined
  try {
    if (known.isElsewhere) searched = await fetchLayer(known, options, credentials.all)
  } catch (error) {
    cacheRepo!.refuse('layer', known.key, error, signal)
    return undefined
  }
  await searchKnown(store, plan, known, credentials, signal, searched)
  return { ...known, isElsewhere: false }
}

/** The filesystem of an image, as its layers have it. */
async function treeWith(
  layer: Layer,
  plan: Plan,
  base: Base,
  fetch: (() => Promise<void>) | undefined,
  { store, signal }: FinishedLayerOptions,
): Promise<Tree> {
  await fetch?.()
  await store.ingestLayer(layer, layer.diffId, (start) => store.openBlob(layer.digest, start), { signal })
  const below = plan.layers === 'squash' ? EMPTY : await base.tree()
  return apply(below, await store.layerTree(layer.diffId, { isWritten: false }))
}

/** What the second promise comes to, or the failure of the first if that comes before. */
function unlessFails(other: Promise<unknown> | undefined, promise: Promise<void>): Promise<void> {
  return other === undefined ? promise : Promise.race([promise, new Promise<never>((_, fail) => other.catch(fail))])
}

/** Begins with what can be pushed before there is a layer. */
function pushAhead(plan: Plan, base: Base, { early }: FinishedLayerOptions): void {
  if (addsNothing(plan) || early === undefined) return
  early.prepare()
  const { reference } = base
  if (plan.layers !== 'append' || reference === undefined) return
  // The layers of a base with a reference are known.
  void base.layers().then((layers) => early.look(layers, reference))
}

/** Once, and only if somebody needs its bytes. @throws CacheRepoFault when they cannot be had */
function fetching(known: KnownLayer, options: FinishedLayerOptions): () => Promise<void> {
  let fetched: Promise<void> | undefined
  const fetch = async () => {
    try {
      await fetchLayer(known, options)
    } catch (error) {
      options.cacheRepo!.refuse('layer', known.key, error, options.signal)
      throw new CacheRepoFault(error)
    }
  }
  return () => (fetched ??= fetch())
}

/**
 * Has the base's layers fetched beside the sources if the store lacks one: then no earlier build has left the image. Has
 * them read if something seems to have changed.
 * @returns whether the store lacks one, and there is room for them
 */
async function fetchAhead(plan: Plan, base: Base, options: FinishedLayerOptions): Promise<boolean> {
  if (addsNothing(plan)) return false
  const isLacking = (await lackingLayers(base, options.store)).size > 0
  if (isLacking) {
    options.onLayer?.('fetch')
    options.mayPush().catch(() => {})
    await checkSpace(plan, base, options)
  }
  // Whoever asks for the tree later gets the failure.
  if (isLacking || options.earlyPool !== undefined) base.tree().catch(() => {})
  return isLacking
}

/** undefined when there is nothing to append. A squashed image always has its one layer. */
async function compressed(
  plan: Plan,
  base: Base,
  made: Made,
  threads: LayerThreads | undefined,
  options: FinishedLayerOptions,
): Promise<Layer | undefined> {
  const { store, report, signal, early } = options
  if (made.sections.length === 0) return undefined
  pushAhead(plan, base, options)
  const task = 'layer'
  report({ type: 'task-started', task, label: 'writing the layer' })
  const written = await writeLayer(store, made.sections, {
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
