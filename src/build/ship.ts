import type { Report } from '../events.ts'
import type { Digest } from '../oci/digest.ts'
import type { Image } from '../oci/image.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import type { Descriptor } from '../oci/source.ts'
import type { Store } from '../oci/store.ts'
import { formatTransport, isStdout, type Transport } from '../oci/transport.ts'
import { writeDockerArchive } from '../oci/write-docker-archive.ts'
import type { TakeBytes } from '../oci/write-piped.ts'
import { writeRootfs } from '../oci/write-rootfs.ts'
import { checkPush } from '../registry/check-push.ts'
import { RegistryClient } from '../registry/client.ts'
import type { RegistryConnection } from '../registry/connection.ts'
import { EarlyPush } from '../registry/early-push.ts'
import { type Donor, pushImage } from '../registry/push.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import type { CacheRepo } from './cache-repo.ts'
import type { FinishedLayer } from './finished-layer.ts'
import { inPlace, writeNamed } from './write-named.ts'

export interface ShipOptions {
  readonly store: Store
  readonly connection: RegistryConnection
  readonly push: boolean
  readonly allowImmutableTags?: boolean
  readonly outputs: readonly Transport[]
  readonly part?: PartOfIndex | undefined
  /** See BuildOptions. */
  readonly stdout?: TakeBytes | undefined
  readonly base: Base
  readonly finished: Pick<FinishedLayer, 'layer' | 'isOld' | 'fetch' | 'tree'>
  /** What else has to be somewhere, called when the image is everywhere but on stdout. */
  readonly besides?: () => Promise<void>
  readonly cacheRepo?: CacheRepo | undefined
  /** What was begun of the push, if anything. */
  readonly early: EarlyPush | undefined
  readonly report: Report
  readonly signal: AbortSignal
}

/**
 * What becomes of an image that an index is going to name, which alone must not be found under a tag: it is pushed by its
 * digest when it is made; or it waits in the store with all its blobs, since what is written on this machine comes first.
 */
export type PartOfIndex = 'push' | 'keep'

/** Where the image is now. */
export interface Shipped {
  readonly pushed: readonly string[]
  readonly outputs: readonly string[]
}

/**
 * Writes the outputs, then pushes: what is local is there even when the network fails. What goes to stdout comes last:
 * what has been read there cannot be taken back when something else fails, or begins again.
 */
export async function ship(image: Image, plan: Plan, options: ShipOptions): Promise<Shipped> {
  const { report, signal, part } = options
  if (part === 'keep') {
    await fetchBlobs(image, options)
    return { pushed: [], outputs: [] }
  }
  const local = options.outputs.filter((output) => output.kind !== 'docker')
  const targets = targetsOf(plan, options)
  const references = part === undefined ? targets : byDigest(targets, image)
  const write = async (output: Transport) => {
    signal.throwIfAborted()
    await fetchBlobs(image, options)
    await writeOutput(image, output, plan, options)
    report({ type: 'written', output: formatTransport(output), digest: image.manifest.digest })
  }
  for (const output of local) if (!isStdout(output)) await write(output)
  const pushed = references.length > 0 ? await push(image, references, options) : []
  await options.besides?.()
  for (const output of local) if (isStdout(output)) await write(output)
  return { pushed: [...new Set(pushed.map(formatReference))], outputs: local.map(formatTransport) }
}

/**
 * A push that begins while the image is being made, when all goes to one repository: of several, the others can mount or
 * must wait for what the first one has.
 */
export async function earlyPush(
  targets: readonly Reference[],
  options: Pick<ShipOptions, 'connection' | 'part' | 'report' | 'signal'>,
): Promise<EarlyPush | undefined> {
  if (options.part === 'keep') return undefined
  const repositories = new Set(targets.map(({ registry, repository }) => `${registry}/${repository}`))
  if (repositories.size !== 1) return undefined
  const target = targets[0]!
  return new EarlyPush(new RegistryClient(await options.connection.toOwn(target), target, 'push'), target, options)
}

/**
 * Looks, when it is called first, whether the registries are going to take a push: nobody wants to hear of it behind an hour
 * of scripts. Not where something is written on this machine, too, which is there even when the network fails.
 */
export function pushCheck(
  targets: readonly Reference[],
  { outputs, connection }: Pick<ShipOptions, 'outputs' | 'connection'>,
  signal: AbortSignal,
): () => Promise<void> {
  const isOnlyPushed = outputs.every(({ kind }) => kind === 'docker')
  let checked: Promise<void> | undefined
  return () => (checked ??= isOnlyPushed ? checkPush(targets, connection, signal) : Promise.resolve())
}

/** Where the image will be pushed to: of a part of an index the repositories, each once and without a tag. */
export function targetsOf(
  plan: Plan,
  { push, outputs, part }: Pick<ShipOptions, 'push' | 'outputs' | 'part'>,
): Reference[] {
  const remote = outputs.flatMap((output) => (output.kind === 'docker' ? [output.reference] : []))
  const references = [...(push ? plan.tags : []), ...remote]
  if (part === undefined) return references
  const repositories = references.map(({ registry, repository }) => ({ registry, repository }))
  return [...new Map(repositories.map((one) => [formatReference(one), one])).values()]
}

/** The image in the repositories, as it is pushed without a tag. */
export function byDigest(repositories: readonly Reference[], { manifest }: Image): Reference[] {
  return repositories.map(({ registry, repository }) => ({ registry, repository, digest: manifest.digest }))
}

/** An appended layer leaves the base's blobs where they are; an output on disk has to hold them all. */
async function fetchBlobs(image: Image, { store, base, finished, signal }: ShipOptions): Promise<void> {
  await finished.fetch?.()
  for (const layer of image.layers) {
    await store.ingestBlob(layer, (start) => base.openBlob(layer, start, signal), { signal })
  }
}

async function writeOutput(image: Image, output: Transport, plan: Plan, options: ShipOptions): Promise<void> {
  const { store, finished, signal } = options
  switch (output.kind) {
    case 'oci':
    case 'oci-archive':
      return await writeNamed(image, output, options)
    case 'docker-archive': {
      const names = output.image === undefined ? plan.tags : [output.image]
      const tags = names.filter((name) => typeof name !== 'number')
      return await inPlace(output, options, (place) => writeDockerArchive(place, tags, image, store, signal))
    }
    case 'rootfs':
      return await inPlace(output, options, async (place) => writeRootfs(place, await finished.tree(), signal))
  }
}

async function push(image: Image, references: readonly Reference[], options: ShipOptions): Promise<Reference[]> {
  const { connection, early, finished, report, signal, allowImmutableTags = false } = options
  const { manifest, config, layers } = image
  const roleOf = ({ digest }: Descriptor) => {
    if (digest === config.descriptor.digest) return 'config'
    return digest === finished.layer?.digest ? 'layer' : 'base'
  }
  return await pushImage(
    {
      manifest,
      config: config.descriptor,
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      openBlob: (digest, start) => blobOf(digest, start, image, options),
      isOld: finished.isOld,
      donors: await donorsOf(options),
      ...(early && { early: (blob, either) => early.finish(blob, roleOf(blob), either) }),
    },
    references,
    connection,
    { signal, report, allowImmutableTags },
  )
}

/** The registry of the base has the base's layers; that of the cache repository one that was found there. */
export async function donorsOf({
  base,
  cacheRepo,
  finished,
}: Pick<ShipOptions, 'base' | 'cacheRepo' | 'finished'>): Promise<Donor[]> {
  // Those that nobody has read, too.
  const below = base.reference && {
    reference: base.reference,
    digests: new Set((await base.layers()).map(({ digest }) => digest)),
  }
  const own = finished.fetch && finished.layer && cacheRepo
  const above = own && { reference: own.reference, digests: new Set([finished.layer!.digest]) }
  return [below, above].filter((donor) => donor !== undefined)
}

/** What this build made is in the store; a base layer that nobody needed to read is only where the base is. */
async function* blobOf(digest: Digest, start: number, image: Image, options: ShipOptions): AsyncGenerator<Uint8Array> {
  const { store, base, finished, signal } = options
  if (digest === finished.layer?.digest) await finished.fetch?.()
  const layer = image.layers.find((one) => one.digest === digest)
  const remote = layer !== undefined && !(await store.has(digest))
  yield* remote ? base.openBlob(layer, start, signal) : store.openBlob(digest, start)
}
