import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { EMPTY_BLOB, EMPTY_DESCRIPTOR, readArtifact, writeArtifact } from '../oci/artifact-manifest.ts'
import { digestOf } from '../oci/digest.ts'
import { OCI_MANIFEST } from '../oci/media-types.ts'
import type { Descriptor } from '../oci/source.ts'
import { readBlob } from './blob.ts'
import type { RegistryClient } from './client.ts'
import { each } from './each.ts'
import { hasBlob } from './has-blob.ts'
import { uploadBlob } from './upload.ts'
import type { UploadSource } from './upload-session.ts'

export interface ArtifactOptions {
  readonly signal: AbortSignal
  readonly report: Report
}

/** A document and the blobs that belong to it, as they were found under a tag. */
export interface FoundArtifact {
  /** Verified by its digest. */
  readonly document: Buffer
  readonly blobs: readonly Descriptor[]
}

/**
 * The artifact of a repository that has this tag; undefined when there is none.
 * @param mediaType of its document; another one is an error
 * @throws MANIFEST_INVALID, MANIFEST_UNSUPPORTED, BLOB_MISMATCH, REGISTRY_*, INTERRUPTED
 */
export async function findArtifact(
  client: RegistryClient,
  tag: string,
  mediaType: string,
  options: ArtifactOptions,
): Promise<FoundArtifact | undefined> {
  try {
    const { config, document, blobs } = readArtifact(
      await client.getManifest(tag, [OCI_MANIFEST], options.signal),
      mediaType,
    )
    return { document: document ?? (await readWhole(client, config, options)), blobs }
  } catch (error) {
    if (error instanceof OcibakeError && error.code === 'REGISTRY_NOT_FOUND') return undefined
    throw error
  }
}

async function readWhole(client: RegistryClient, blob: Descriptor, options: ArtifactOptions): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of readBlob(client, blob, 0, options)) chunks.push(Buffer.from(chunk))
  const bytes = Buffer.concat(chunks)
  if (digestOf(bytes) === blob.digest) return bytes
  throw new OcibakeError('BLOB_MISMATCH', `${client.what(`blob ${blob.digest}`)} has other bytes than its digest says.`)
}

/** A blob to put, and where the registry may have it already. */
export interface ArtifactBlob {
  readonly descriptor: Descriptor
  /** Another repository of the same registry. */
  readonly donor: string | undefined
  open(start: number): AsyncIterable<Uint8Array>
}

/**
 * Puts a document and its blobs under a tag; what had the tag before has it no more. Blobs that the registry has are not
 * sent. @throws REGISTRY_*, INTERRUPTED; what opening a blob throws
 */
export async function putArtifact(
  client: RegistryClient,
  tag: string,
  { mediaType, document, blobs }: { mediaType: string; document: Buffer; blobs: readonly ArtifactBlob[] },
  options: ArtifactOptions,
): Promise<void> {
  const sends = [
    // A document is as soon sent as asked for.
    (signal: AbortSignal) =>
      uploadBlob(client, inMemory(document), undefined, { ...options, signal, onProgress: () => {} }),
    ...(blobs.length === 0 ? [EMPTY] : blobs).map(
      (blob) => (signal: AbortSignal) => putBlob(client, blob, { ...options, signal }),
    ),
  ]
  await each(sends, sends.length, options.signal, (send, signal) => send(signal))
  const manifest = writeArtifact(
    mediaType,
    document,
    blobs.map(({ descriptor }) => descriptor),
  )
  const answer = await client.putManifest(tag, manifest, options.signal)
  if (answer.status > 299) throw await client.failure(answer, `manifest ${tag}`)
}

/** A blob that is at hand. */
export function blobInMemory(mediaType: string, bytes: Buffer): ArtifactBlob {
  const { blob, open } = inMemory(bytes)
  return { descriptor: { mediaType, ...blob }, donor: undefined, open }
}

function inMemory(bytes: Buffer): UploadSource {
  return {
    blob: { digest: digestOf(bytes), size: bytes.length },
    async *open(start) {
      yield bytes.subarray(start)
    },
  }
}

/** What stands for a blob, or for a config, where there is none. */
export const EMPTY: ArtifactBlob = blobInMemory(EMPTY_DESCRIPTOR.mediaType, EMPTY_BLOB)

/** Has the registry have a blob, which it is not sent if it has it. @throws REGISTRY_*, INTERRUPTED; what opening it throws */
export async function putBlob(
  client: RegistryClient,
  { descriptor: blob, donor, open }: ArtifactBlob,
  { signal, report }: ArtifactOptions,
): Promise<void> {
  // A mount answers both whether it is there and how to send it.
  const session = donor === undefined ? undefined : await client.mountBlob(blob.digest, donor, signal)
  if (session === true) return
  if (donor === undefined && (await hasBlob(client, blob, signal))) return
  await uploadBlob(client, { blob, open }, session, { signal, report, onProgress: () => {} })
}
