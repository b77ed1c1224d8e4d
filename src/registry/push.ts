import { OcibakeError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import type { Descriptor, Document } from '../oci/source.ts'
import { RegistryClient } from './client.ts'
import type { RegistryConnection } from './connection.ts'
import { each } from './each.ts'
import type { Early } from './early-push.ts'
import { findOrMount, isDonorFor } from './find-or-mount.ts'
import { type ManifestPushOptions, namesOf, pushManifest, tellPushed } from './push-manifest.ts'
import { Task } from './task.ts'
import { uploadBlob } from './upload.ts'

/** An image whose blobs can be had. */
export interface PushImage {
  readonly manifest: Document
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  /** The bytes of the config or of a layer from `start` on. Asked only for what a registry does not have. */
  openBlob(digest: Digest, start: number): AsyncIterable<Uint8Array>
  /** Repositories that hold some of the layers: in the same registry those need not be sent. */
  readonly donors?: readonly Donor[]
  /** Ends what was begun for a blob, with the one repository of a push, while the image was made. */
  early?(blob: Descriptor, signal: AbortSignal): Promise<Early>
  /** It was made before, and may have been pushed: then it is asked what the tags name, and one that names it is not put. */
  readonly isOld?: boolean
}

export interface Donor {
  readonly reference: Reference
  readonly digests: ReadonlySet<Digest>
}

export type PushOptions = ManifestPushOptions

/** Blobs sent at the same time: more only makes each of them slower. */
const AT_ONCE = 4
export const REGISTRIES_AT_ONCE = 4

/**
 * Pushes an image under every reference. A repository gets config and layers, then the manifest by each tag, so that no
 * tag ever names what is not complete; blobs that it has are not sent, those that the registry has elsewhere are
 * mounted. What is put is read back. Registries are pushed to at the same time; the first that fails ends the
 * others. Idempotent: after a failure, push again. Returns what names the image now, one for each reference.
 * @throws REFERENCE_INVALID before anything is sent when a reference has another digest than the image, REGISTRY_ERROR when
 * one is blocked; REGISTRY_*; INTERRUPTED; what `openBlob` throws
 */
export async function pushImage(
  image: PushImage,
  references: readonly Reference[],
  connection: RegistryConnection,
  options: PushOptions,
): Promise<Reference[]> {
  for (const reference of references) {
    checkDigest(reference, image.manifest)
    await connection.toOwn(reference)
  }
  const registries = Map.groupBy(references, ({ registry }) => registry)
  const pushed = new Map<Reference, Reference>()
  await each(registries.values(), REGISTRIES_AT_ONCE, options.signal, (own, signal) =>
    pushToRegistry(image, own, connection, pushed, { ...options, signal }),
  )
  return references.map((reference) => pushed.get(reference)!)
}

/** One repository after another: what the first has, the others mount. */
async function pushToRegistry(
  image: PushImage,
  references: readonly Reference[],
  connection: RegistryConnection,
  pushed: Map<Reference, Reference>,
  options: PushOptions,
): Promise<void> {
  const repositories = Map.groupBy(references, ({ repository }) => repository)
  const complete: Reference[] = []
  for (const group of repositories.values()) {
    const target = group[0]!
    const client = new RegistryClient(await connection.toOwn(target), target, 'push')
    const other = complete.find(isDonorFor(target))
    const donors = image.donors?.filter(({ reference }) => isDonorFor(target)(reference)) ?? []
    // One that does not have the blob is not asked for it: that would need leave to read there.
    const donorOf = ({ digest }: Descriptor) => other ?? donors.find(({ digests }) => digests.has(digest))?.reference
    const { manifest } = image
    const [areThere, named] = await Promise.all([
      pushBlobs(client, image, donorOf, options),
      image.isOld === true ? namesOf(client, group, manifest, options.signal) : undefined,
    ])
    for (const reference of group) {
      const isDone = areThere && named?.has(reference) === true
      if (isDone) tellPushed(reference, manifest, options)
      pushed.set(reference, isDone ? reference : await pushManifest(client, reference, manifest, options))
    }
    complete.push(target)
  }
}

/** @returns whether all of them were there before */
async function pushBlobs(
  client: RegistryClient,
  image: PushImage,
  donorOf: (blob: Descriptor) => Reference | undefined,
  options: PushOptions,
): Promise<boolean> {
  // The config is soon done with, and does not wait for a layer.
  const blobs = new Map([image.config, ...image.layers].map((blob) => [blob.digest, blob]))
  const sent = new Set<Digest>()
  await each(blobs.values(), AT_ONCE, options.signal, async (blob, signal) => {
    const outcome = await pushBlob(client, image, blob, donorOf(blob), { ...options, signal })
    if (outcome !== 'was there') sent.add(blob.digest)
  })
  return sent.size === 0
}

type Outcome = 'was there' | 'pushed' | 'mounted'

async function pushBlob(
  client: RegistryClient,
  image: PushImage,
  blob: Descriptor,
  donor: Reference | undefined,
  { signal, report }: PushOptions,
): Promise<Outcome> {
  const task = new Task(
    report,
    `push ${client.name} ${blob.digest}`,
    client.what(`push ${blob.digest.slice(7, 19)}`),
    blob.size,
  )
  const ended = (outcome: Outcome) => {
    task.finish(outcome)
    return outcome
  }
  try {
    const early = await image.early?.(blob, signal)
    const found = early ?? (await findOrMount(client, blob, donor, signal))
    if (typeof found === 'string') return ended(found)
    const source = { blob, open: (start: number) => image.openBlob(blob.digest, start) }
    await uploadBlob(client, source, found, { signal, report, onProgress: (done) => task.at(done) })
    return ended('pushed')
  } finally {
    task.finish('failed')
  }
}

/** @throws REFERENCE_INVALID when the reference has another digest than what it is to name */
export function checkDigest(reference: Reference, manifest: Document): void {
  if (reference.digest === undefined || reference.digest === manifest.digest) return
  throw new OcibakeError(
    'REFERENCE_INVALID',
    `${formatReference(reference)} cannot be pushed: the image has the digest ${manifest.digest}.`,
    { hint: 'Leave out the digest; it follows from the image.' },
  )
}
