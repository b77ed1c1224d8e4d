import { OcibakeError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { parseDocument } from '../oci/manifest.ts'
import { MANIFEST_TYPES } from '../oci/media-types.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import type { Descriptor, Document, ImageSource } from '../oci/source.ts'
import { readBlob } from './blob.ts'
import { RegistryClient } from './client.ts'
import type { RegistryConnection } from './connection.ts'

/**
 * The image that a reference names in its registry. What the tag means is asked once: later calls of `resolve` give the
 * same document. Documents are verified by their own bytes, whatever the registry says about them; `blob` goes on by
 * itself after a failing connection, as long as that leads anywhere. `attempts` is how often a request is tried; as
 * patient as the connection is when absent.
 * The connection belongs to the caller: `close` leaves it open.
 * `resolve` and `manifest` throw BASE_NOT_FOUND, BLOB_MISMATCH, MANIFEST_INVALID, MANIFEST_UNSUPPORTED, REGISTRY_*.
 */
export function registrySource(reference: Reference, connection: RegistryConnection, attempts?: number): ImageSource {
  const client = new RegistryClient(connection, reference, 'pull', attempts)
  const name = formatReference(reference)
  let resolved: Promise<Document> | undefined

  async function resolve(signal: AbortSignal): Promise<Document> {
    const document = await client.getManifest(reference.digest ?? reference.tag ?? 'latest', MANIFEST_TYPES, signal)
    checkDigest(document, reference.digest, name)
    return { ...document, mediaType: parseDocument(document).mediaType }
  }

  return {
    name,
    async resolve(signal) {
      resolved ??= resolve(signal)
      try {
        return await resolved
      } catch (error) {
        resolved = undefined
        throw notFound(error, name)
      }
    },
    async manifest(descriptor, signal) {
      const document = await client.getManifest(descriptor.digest, [descriptor.mediaType], signal)
      checkDigest(document, descriptor.digest, client.name)
      checkSize(document, descriptor, client.name)
      return { ...document, mediaType: parseDocument(document, descriptor).mediaType }
    },
    blob: (descriptor, start, signal) => readBlob(client, descriptor, start, { signal, report: connection.report }),
    async close() {},
  }
}

function checkDigest(document: Document, wanted: Digest | undefined, name: string): void {
  if (wanted === undefined || document.digest === wanted) return
  throw new OcibakeError(
    'BLOB_MISMATCH',
    `${name}: the manifest that came has the digest ${document.digest}; wanted ${wanted}.`,
    { hint: 'The registry, or something between, gives other bytes than it was asked for: do not use them.' },
  )
}

function checkSize(document: Document, descriptor: Descriptor, name: string): void {
  if (document.bytes.length === descriptor.size) return
  throw new OcibakeError(
    'BLOB_MISMATCH',
    `${name}: manifest ${descriptor.digest} has ${document.bytes.length} bytes; its descriptor says ${descriptor.size}.`,
  )
}

function notFound(error: unknown, name: string): unknown {
  if (!(error instanceof OcibakeError) || error.code !== 'REGISTRY_NOT_FOUND') return error
  return new OcibakeError('BASE_NOT_FOUND', `There is no ${name}: ${error.message}`, {
    hint: 'Check the spelling of the registry, the repository and the tag.',
    cause: error,
  })
}
