import { OcibakeError } from '../errors.ts'
import { readDocumentDescriptor } from './descriptor.ts'
import { digestOf } from './digest.ts'
import type { Image } from './image.ts'
import { documentsOf, type Named } from './image-index.ts'
import { type JsonObject, readJsonObject, writeJson } from './json.ts'
import { JsonFields } from './json-fields.ts'
import { DOCKER_MANIFEST, MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST } from './media-types.ts'
import { formatPlatform, type Platform } from './platform.ts'
import type { Descriptor, Document } from './source.ts'

/** image-spec annotations.md: the tag of an entry of a layout. */
export const REF_NAME = 'org.opencontainers.image.ref.name'

/** containerd and `docker save` put the full name here, and only the tag into the other. */
const CONTAINERD_NAME = 'io.containerd.image.name'

const IMAGE_TYPES: readonly string[] = MANIFEST_TYPES
const MANIFESTS: readonly string[] = [OCI_MANIFEST, DOCKER_MANIFEST]

/** The bytes of `oci-layout`. */
export const LAYOUT_FILE = writeJson({ imageLayoutVersion: '1.0.0' })

/** Checks the bytes of a layout's `oci-layout` (image-spec image-layout.md). @throws LAYOUT_INVALID */
export function checkLayoutFile(bytes: Buffer, what: string): void {
  const fields = new JsonFields(readJsonObject(bytes, what, 'LAYOUT_INVALID'), what, 'LAYOUT_INVALID')
  if (fields.get('imageLayoutVersion') !== '1.0.0') fields.refuse('imageLayoutVersion', "'1.0.0'")
}

/** Every entry of a layout's index.json, images or not, as they stand there. @throws LAYOUT_INVALID */
export function parseLayoutIndex(bytes: Buffer, what: string): { object: JsonObject; entries: readonly JsonFields[] } {
  const fields = new JsonFields(readJsonObject(bytes, what, 'LAYOUT_INVALID'), what, 'LAYOUT_INVALID')
  if (fields.get('schemaVersion') !== 2) fields.refuse('schemaVersion', '2')
  if ((fields.get('mediaType') ?? OCI_INDEX) !== OCI_INDEX) fields.refuse('mediaType', OCI_INDEX)
  if (fields.has('layers')) fields.refuse('layers', 'an index, which has none')
  return { object: fields.object, entries: fields.optionalObjects('manifests') ?? [] }
}

/** The tag of an entry; undefined for one without. */
export function tagOf(entry: JsonFields): string | undefined {
  return entry.optionalObject('annotations')?.optionalText(REF_NAME)
}

/**
 * What a layout has under `tag`, or its only image. When a build for several platforms lies there as one entry each,
 * the index of those entries. `name` is the layout's, for errors.
 * @throws BASE_NOT_FOUND listing the tags that are there; LAYOUT_INVALID
 */
export function chooseEntry(
  entries: readonly JsonFields[],
  tag: string | undefined,
  name: string,
): Descriptor | Document {
  const images = entries.filter((entry) => IMAGE_TYPES.includes(entry.optionalText('mediaType') ?? ''))
  const named = (entry: JsonFields) =>
    tag === undefined || tagOf(entry) === tag || entry.optionalObject('annotations')?.get(CONTAINERD_NAME) === tag
  const found = images.filter(named)
  const descriptors = [...new Map(found.map(readDocumentDescriptor).map((one) => [one.digest, one])).values()]
  const [only, ...others] = descriptors
  if (only !== undefined && others.length === 0) return only
  const platforms = new Set(descriptors.map(({ platform }) => platform && formatPlatform(platform)))
  const isOneImage =
    only !== undefined &&
    new Set(found.map(tagOf)).size === 1 &&
    descriptors.every(({ mediaType }) => MANIFESTS.includes(mediaType)) &&
    !platforms.has(undefined) &&
    platforms.size === descriptors.length
  if (isOneImage) return indexOf(descriptors)
  throw notFound(images, descriptors.length, tag, name)
}

function indexOf(descriptors: readonly Descriptor[]): Document {
  const bytes = writeJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: descriptors })
  return { mediaType: OCI_INDEX, digest: digestOf(bytes), bytes }
}

function notFound(images: readonly JsonFields[], found: number, tag: string | undefined, name: string): OcibakeError {
  const tags = [...new Set(images.map(tagOf))].map((one) =>
    one === undefined ? 'one without a tag' : `'${printable(one)}'`,
  )
  const list = tags.length > 20 ? [...tags.slice(0, 20), `${tags.length - 20} more`] : tags
  const has = list.length === 0 ? 'no image' : `${images.length} images: ${list.join(', ')}`
  const want = tag === undefined ? 'one image, or a tag that says which' : `one with the tag '${printable(tag)}'`
  const code = found > 1 && tag !== undefined ? 'LAYOUT_INVALID' : 'BASE_NOT_FOUND'
  return new OcibakeError(code, `${name} has ${has}; wanted ${want}.`, { hint: 'Write the tag behind the path: …:TAG' })
}

function printable(text: string): string {
  return text.slice(0, 128).replace(/[^\x20-\x7e]/g, '?')
}

/**
 * The bytes of an index.json with the image in it under `tag`, or the index, which is one entry as skopeo and buildah
 * write it. What had this tag goes (without a tag: what had none); everything else that `before`, the bytes of the old
 * one, says stays as it is. `what` names the old one in errors.
 * @throws LAYOUT_INVALID when the old one is no index
 */
export function writeLayoutIndex(named: Named, tag: string | undefined, before?: Buffer, what = 'index.json'): Buffer {
  const { object, entries } = before === undefined ? { object: {}, entries: [] } : parseLayoutIndex(before, what)
  const { mediaType, digest, bytes } = documentsOf(named).at(-1)!
  const entry = {
    mediaType,
    digest,
    size: bytes.length,
    annotations: tag === undefined ? undefined : { [REF_NAME]: tag },
    platform: 'entries' in named ? undefined : platformOf(named),
  }
  const others = entries.filter((other) => tagOf(other) !== tag).map((other) => other.object)
  return writeJson({ schemaVersion: 2, mediaType: OCI_INDEX, ...object, manifests: [...others, entry] })
}

function platformOf({ config }: Image): Platform {
  const { os, architecture, variant } = config.document
  return { architecture, os, ...(variant === undefined ? {} : { variant }) }
}
