import type { Reference } from '../oci/reference.ts'
import type { Descriptor } from '../oci/source.ts'
import type { RegistryClient } from './client.ts'
import { hasBlob } from './has-blob.ts'
import type { OpenUpload } from './open-upload.ts'

/**
 * Looks whether the repository has a blob, and has it taken from another one of the same registry if there is one.
 * @returns how the repository has it; else the upload session that the registry has opened instead, if it has
 * @param attempts default: as any request @throws REGISTRY_*, INTERRUPTED
 */
export async function findOrMount(
  client: RegistryClient,
  blob: Descriptor,
  donor: Reference | undefined,
  signal: AbortSignal,
  attempts?: number,
): Promise<'was there' | 'mounted' | OpenUpload | undefined> {
  if (await hasBlob(client, blob, signal, attempts)) return 'was there'
  const mounted = donor && (await client.mountBlob(blob.digest, donor.repository, signal))
  return mounted === true ? 'mounted' : mounted
}

/** Whether blobs of the other repository can be mounted in the target's. */
export function isDonorFor(target: Reference): (other: Reference) => boolean {
  return (other) => other.registry === target.registry && other.repository !== target.repository
}
