import { formatReference, type Reference } from '../oci/reference.ts'
import type { Document, ImageSource } from '../oci/source.ts'
import type { RegistryConnection } from '../registry/connection.ts'
import { mirroredSource } from '../registry/mirrored.ts'

/** Where a base comes from that is in a registry. @throws as `mirroredSource` */
export type SourceOf = (reference: Reference) => Promise<ImageSource>

/**
 * Gives all who ask for one reference the same source, which asks once what the reference names, and once for each
 * manifest: images that are built one after the other stand on the same, also when a tag is moved meanwhile.
 */
export function sharedSources(connection: RegistryConnection): SourceOf {
  const known = new Map<string, Promise<ImageSource>>()
  return (reference) => {
    const name = formatReference(reference)
    const source = known.get(name) ?? mirroredSource(reference, connection).then(remembering)
    known.set(name, source)
    return source
  }
}

function remembering(source: ImageSource): ImageSource {
  const documents = new Map<string, Document>()
  const once = async (key: string, ask: () => Promise<Document>) => {
    const document = documents.get(key) ?? (await ask())
    documents.set(key, document)
    return document
  }
  return {
    name: source.name,
    resolve: (signal) => once('', () => source.resolve(signal)),
    manifest: (descriptor, signal) => once(JSON.stringify(descriptor), () => source.manifest(descriptor, signal)),
    blob: (descriptor, start, signal) => source.blob(descriptor, start, signal),
    // Whoever closes it is not the only one who has it. There is nothing to free: connections are not its own.
    close: async () => {},
  }
}
