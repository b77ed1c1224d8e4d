import type { Reference } from '../oci/reference.ts'
import type { Document } from '../oci/source.ts'
import { RegistryClient } from './client.ts'
import type { RegistryConnection } from './connection.ts'
import { each } from './each.ts'
import { checkDigest, REGISTRIES_AT_ONCE } from './push.ts'
import { type ManifestPushOptions, namesOf, pushManifest, tellPushed } from './push-manifest.ts'

export interface IndexPushOptions extends ManifestPushOptions {
  /** It was made before, and may have been pushed: then it is asked what the tags name, and one that names it is not put. */
  readonly isOld?: boolean
}

/**
 * Puts an index, whose manifests each of the repositories has already, under every reference, and reads it back. Registries
 * are pushed to at the same time; the first that fails ends the others. Idempotent. Returns what names the index now, one for
 * each reference.
 * @throws REFERENCE_INVALID before anything is sent when a reference has another digest than the index; REGISTRY_*;
 * INTERRUPTED
 */
export async function pushIndex(
  index: Document,
  references: readonly Reference[],
  connection: RegistryConnection,
  options: IndexPushOptions,
): Promise<Reference[]> {
  for (const reference of references) checkDigest(reference, index)
  const registries = Map.groupBy(references, ({ registry }) => registry)
  const pushed = new Map<Reference, Reference>()
  await each(registries.values(), REGISTRIES_AT_ONCE, options.signal, async (own, signal) => {
    for (const group of Map.groupBy(own, ({ repository }) => repository).values()) {
      const target = group[0]!
      const client = new RegistryClient(await connection.toOwn(target), target, 'push')
      const named = options.isOld === true ? await namesOf(client, group, index, signal) : undefined
      for (const reference of group) {
        const isDone = named?.has(reference) === true
        if (isDone) tellPushed(reference, index, options)
        const names = isDone ? reference : await pushManifest(client, reference, index, { ...options, signal })
        pushed.set(reference, names)
      }
    }
  })
  return references.map((reference) => pushed.get(reference)!)
}
