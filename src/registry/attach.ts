import { setTimeout } from 'node:timers/promises'
import { OcibakeError } from '../errors.ts'
import { writeReferrer } from '../oci/artifact-manifest.ts'
import { type Digest, hexOf } from '../oci/digest.ts'
import { isJsonObject, type JsonObject } from '../oci/json.ts'
import { MANIFEST_TYPES } from '../oci/media-types.ts'
import { type ReferrerEntry, withReferrer } from '../oci/referrers-index.ts'
import type { Descriptor, Document } from '../oci/source.ts'
import { type ArtifactOptions, blobInMemory, EMPTY, putBlob } from './artifacts.ts'
import type { RegistryClient } from './client.ts'
import { each } from './each.ts'

/** A document about an image. */
export interface Attachment {
  /** Of the document, and of the artifact. */
  readonly mediaType: string
  readonly document: Buffer
  /** What this program says by it: another one of the same kind, for the same image, takes its place. */
  readonly kind: string
  /** RFC 3339. */
  readonly created: string
}

const KIND = 'vnd.ocibake.attached'
/** Milliseconds, at least and at most, after which a list that was written is looked at once more. */
const LATER = [100, 400] as const
/** Times that a list is written which somebody else writes at the same moment. */
const TRIES = 4

/**
 * Puts a document beside an image that the repository has, so that whoever has the image's digest finds it: by the
 * registry's referrers API or, where that does not answer for it, by the tag that stands for it. Idempotent.
 * (distribution-spec, "Pushing Manifests with Subject") @returns the digest of the artifact
 * @throws REGISTRY_*, INTERRUPTED, MANIFEST_INVALID when something else than a list has that tag
 */
export async function attach(
  client: RegistryClient,
  subject: Descriptor,
  { mediaType, document, kind, created }: Attachment,
  options: ArtifactOptions,
): Promise<Digest> {
  const blob = blobInMemory(mediaType, document)
  await each([blob, EMPTY], 2, options.signal, (one, signal) => putBlob(client, one, { ...options, signal }))
  const annotations = { 'org.opencontainers.image.created': created, [KIND]: kind }
  const manifest = writeReferrer({ subject, blob: blob.descriptor, annotations })
  const answer = await client.putManifest(manifest.digest, manifest, options.signal)
  if (answer.status > 299) throw await client.failure(answer, `manifest ${manifest.digest}`)
  if (answer.headers.get('oci-subject') !== null) return manifest.digest
  const { mediaType: type, digest, bytes } = manifest
  const entry = { mediaType: type, digest, size: bytes.length, artifactType: mediaType, annotations }
  await listReferrer(client, `sha256-${hexOf(subject.digest)}`, entry, options.signal)
  return manifest.digest
}

/**
 * Registries know no "unless it has changed": whoever writes looks whether it is there afterwards, and again when whoever
 * had read the list before that has written it, too. Who takes longer than that still replaces it.
 */
async function listReferrer(
  client: RegistryClient,
  tag: string,
  entry: ReferrerEntry,
  signal: AbortSignal,
): Promise<void> {
  const isOlder = ({ artifactType, annotations }: JsonObject) =>
    artifactType === entry.artifactType && isJsonObject(annotations) && annotations[KIND] === entry.annotations[KIND]
  for (let tries = 0, isSure = true; ; ) {
    const list = withReferrer(await found(client, tag, signal), entry, isOlder)
    if (list === undefined && isSure) return
    if (list === undefined) {
      await moment(signal)
      isSure = true
      continue
    }
    if (tries++ === TRIES) break
    const answer = await client.putManifest(tag, list, signal)
    if (answer.status > 299) throw await client.failure(answer, `manifest ${tag}`)
    isSure = false
  }
  throw new OcibakeError(
    'REGISTRY_ERROR',
    `${client.what(`manifest ${tag}`)} is another one each time it was written.`,
    {
      hint: 'Somebody else is writing it: run the same command again.',
    },
  )
}

/** Of a random length, so that two who write in turns do not go on doing so. */
async function moment(signal: AbortSignal): Promise<void> {
  const [least, most] = LATER
  await setTimeout(least + Math.random() * (most - least), undefined, { signal }).catch(() => signal.throwIfAborted())
}

async function found(client: RegistryClient, tag: string, signal: AbortSignal): Promise<Document | undefined> {
  try {
    return await client.getManifest(tag, MANIFEST_TYPES, signal)
  } catch (error) {
    if (error instanceof OcibakeError && error.code === 'REGISTRY_NOT_FOUND') return undefined
    throw error
  }
}
