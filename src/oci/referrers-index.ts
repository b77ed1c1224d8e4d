import { digestOf } from './digest.ts'
import { isJsonObject, type JsonObject, readJsonObject, writeJson } from './json.ts'
import { JsonFields } from './json-fields.ts'
import { OCI_INDEX } from './media-types.ts'
import type { Document } from './source.ts'

/** An entry of the list: the descriptor of a manifest with what that says of itself. */
export interface ReferrerEntry {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly artifactType: string
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * The list of what refers to an image with one more entry, in the place of those that `isReplaced`. All others stay as they
 * are, with fields that nobody here knows; undefined when the entry is there and nothing is to be replaced.
 * (distribution-spec, "Pushing Manifests with Subject")
 * @param document what the registry has; undefined: nothing
 * @throws MANIFEST_INVALID for what is no index
 */
export function withReferrer(
  document: Document | undefined,
  entry: ReferrerEntry,
  isReplaced: (other: JsonObject) => boolean,
): Document | undefined {
  const { object, entries } = document === undefined ? { object: {}, entries: [] } : readReferrers(document)
  const others = entries.filter((other) => other.digest !== entry.digest && !isReplaced(other))
  if (entries.length === others.length + 1 && entries.some(({ digest }) => digest === entry.digest)) return undefined
  const manifests = [...others, entry]
  const bytes = writeJson({ ...object, schemaVersion: 2, mediaType: OCI_INDEX, manifests })
  return { mediaType: OCI_INDEX, digest: digestOf(bytes), bytes }
}

function readReferrers({ bytes, digest, mediaType }: Document): { object: JsonObject; entries: readonly JsonObject[] } {
  const what = `the list of referrers ${digest}`
  const fields = new JsonFields(readJsonObject(bytes, what, 'MANIFEST_INVALID'), what, 'MANIFEST_INVALID')
  if ((fields.optionalText('mediaType') ?? mediaType) !== OCI_INDEX) fields.refuse('mediaType', OCI_INDEX)
  const entries = fields.get('manifests') ?? []
  if (!Array.isArray(entries) || !entries.every(isJsonObject)) return fields.refuse('manifests', 'a list of objects')
  return { object: fields.object, entries }
}
