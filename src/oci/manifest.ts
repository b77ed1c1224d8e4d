import { OcibakeError } from '../errors.ts'
import { readDescriptor, readDocumentDescriptor } from './descriptor.ts'
import { digestOf } from './digest.ts'
import { readJsonObject, showJson, writeJson } from './json.ts'
import { JsonFields } from './json-fields.ts'
import { compressionOf, layerType, type MediaTypeFamily, whyLayerRefused } from './layer-type.ts'
import {
  DOCKER_CONFIG,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  MANIFEST_TYPES,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-types.ts'
import type { Descriptor, Document } from './source.ts'

/** Several images behind one name. Entries that are no images (artifacts of other types) are left out. */
export interface Index {
  readonly kind: 'index'
  readonly mediaType: string
  readonly manifests: readonly Descriptor[]
}

/** One image. Its layers are from the lowest to the highest. */
export interface Manifest {
  readonly kind: 'manifest'
  readonly mediaType: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly annotations: Readonly<Record<string, string>>
}

const INDEX_TYPES: readonly string[] = [OCI_INDEX, DOCKER_LIST]
const IMAGE_TYPES: readonly string[] = MANIFEST_TYPES

/** Docker 1.10 wrote `application/octet-stream`; its images are still in registries. */
const CONFIG_TYPES: readonly string[] = [OCI_CONFIG, DOCKER_CONFIG, 'application/octet-stream']

/** More entries than any honest index has, few enough to walk and to print. */
const INDEX_LIMIT = 1000

/** Content types of servers that do not know what they serve: they say nothing, so they contradict nothing. */
const SAYS_NOTHING: readonly string[] = ['', 'application/json', 'application/octet-stream', 'text/plain']

/**
 * What a document says, after every check that needs nothing but the document. Its header (`document.mediaType`), its
 * body and, if given, the descriptor that led to it must agree on the media type; a document that could be read as two
 * kinds is refused (image-spec manifest.md and image-index.md, "mediaType"; CVE-2021-41190).
 * @throws MANIFEST_INVALID for what breaks the format, MANIFEST_UNSUPPORTED for what ocibake does not read
 */
export function parseDocument(document: Document, descriptor?: Descriptor): Index | Manifest {
  const what = `manifest ${document.digest}`
  const fields = new JsonFields(readJsonObject(document.bytes, what, 'MANIFEST_INVALID'), what, 'MANIFEST_INVALID')
  const mediaType = mediaTypeOf(document, fields, descriptor)
  if (fields.get('schemaVersion') !== 2) fields.refuse('schemaVersion', '2')
  return INDEX_TYPES.includes(mediaType) ? readIndex(fields, mediaType) : readManifest(fields, mediaType)
}

export interface ManifestParts {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  /** Docker's format has no place for them: they are left out there. */
  readonly annotations: Readonly<Record<string, string>>
  /** The types of config and layers are translated to this family: the bytes they name are the same. */
  readonly mediaTypes: MediaTypeFamily
}

/** The manifest of an image: the same parts give the same bytes. Annotations are sorted by name. */
export function writeManifest(parts: ManifestParts): Document {
  const oci = parts.mediaTypes === 'oci'
  const mediaType = oci ? OCI_MANIFEST : DOCKER_MANIFEST
  const annotations = Object.entries(parts.annotations).sort(([a], [b]) => (a < b ? -1 : 1))
  const bytes = writeJson({
    schemaVersion: 2,
    mediaType,
    config: { ...bare(parts.config), mediaType: oci ? OCI_CONFIG : DOCKER_CONFIG },
    layers: parts.layers.map((layer) => ({ ...bare(layer), mediaType: translated(layer.mediaType, parts.mediaTypes) })),
    annotations: oci && annotations.length > 0 ? Object.fromEntries(annotations) : undefined,
  })
  return { mediaType, digest: digestOf(bytes), bytes }
}

function translated(mediaType: string, family: MediaTypeFamily): string {
  const compression = compressionOf(mediaType)
  return compression === undefined ? mediaType : layerType(family, compression)
}

function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size }
}

function mediaTypeOf(document: Document, fields: JsonFields, descriptor: Descriptor | undefined): string {
  const { what } = fields
  refuseSchema1(what, document.mediaType, fields)
  const header = document.mediaType.split(';', 1)[0]!.trim()
  const body = fields.optionalText('mediaType')
  const said: [string, string][] = []
  if (!SAYS_NOTHING.includes(header)) said.push(['its header', header])
  if (body !== undefined && body !== '') said.push(['its body', body])
  if (descriptor !== undefined) said.push(['its descriptor', descriptor.mediaType])
  const [first, ...others] = said
  if (first === undefined) return fields.has('manifests') ? OCI_INDEX : OCI_MANIFEST
  const other = others.find(([, type]) => type !== first[1])
  if (other !== undefined) {
    const [a, b] = [first, other].map(([place, type]) => `${place} says ${showJson(type)}`)
    throw new OcibakeError('MANIFEST_INVALID', `${what} has two media types: ${a}, ${b}.`)
  }
  if (!IMAGE_TYPES.includes(first[1])) {
    throw new OcibakeError(
      'MANIFEST_UNSUPPORTED',
      `${what} has the media type ${showJson(first[1])}; wanted an OCI or Docker (schema 2) image manifest or index.`,
    )
  }
  return first[1]
}

function refuseSchema1(what: string, header: string, fields: JsonFields): void {
  const isSchema1 = header.startsWith('application/vnd.docker.distribution.manifest.v1+')
  if (!isSchema1 && fields.get('schemaVersion') !== 1) return
  throw new OcibakeError('MANIFEST_UNSUPPORTED', `${what} is Docker schema 1, a format given up in 2017.`, {
    hint: 'Pull and push the image once with a newer tool, for example: skopeo copy --format oci',
  })
}

function readIndex(fields: JsonFields, mediaType: string): Index {
  refuseFields(fields, ['layers', 'config', 'fsLayers'], 'an index')
  const entries = requiredList(fields, 'manifests')
  if (entries.length > INDEX_LIMIT) {
    throw new OcibakeError(
      'MANIFEST_UNSUPPORTED',
      `${fields.what} has ${entries.length} entries; at most ${INDEX_LIMIT} are read.`,
    )
  }
  const manifests = entries.map(readDocumentDescriptor)
  const nested = manifests.find((entry) => INDEX_TYPES.includes(entry.mediaType))
  if (nested !== undefined) {
    throw new OcibakeError(
      'MANIFEST_UNSUPPORTED',
      `${fields.what} holds another index, ${nested.digest}; ocibake reads one level of manifests.`,
      { hint: 'Name the inner index by its digest.' },
    )
  }
  return { kind: 'index', mediaType, manifests: manifests.filter((entry) => IMAGE_TYPES.includes(entry.mediaType)) }
}

function readManifest(fields: JsonFields, mediaType: string): Manifest {
  refuseFields(fields, ['manifests', 'fsLayers'], 'a manifest')
  const artifactType = fields.optionalText('artifactType')
  const config = fields.optionalObject('config') ?? fields.refuse('config', 'a descriptor')
  const configType = config.text('mediaType')
  if (artifactType !== undefined || !CONFIG_TYPES.includes(configType)) {
    throw new OcibakeError(
      'MANIFEST_UNSUPPORTED',
      `${fields.what} is no image but an artifact: ${showJson(artifactType ?? configType)}; wanted a config of type ${OCI_CONFIG} or ${DOCKER_CONFIG}.`,
    )
  }
  const layers = requiredList(fields, 'layers')
  return {
    kind: 'manifest',
    mediaType,
    config: readDocumentDescriptor(config),
    layers: layers.map(readLayer),
    annotations: fields.optionalTextMap('annotations') ?? {},
  }
}

function readLayer(layer: JsonFields): Descriptor {
  const mediaType = layer.text('mediaType')
  const why = whyLayerRefused(mediaType)
  if (why !== undefined) {
    throw new OcibakeError('MANIFEST_UNSUPPORTED', `${layer.what} ${why}: ${showJson(mediaType)}.`)
  }
  return readDescriptor(layer)
}

/** A list of descriptors that must be there. Go writes null for an empty one: an image from scratch. */
function requiredList(fields: JsonFields, name: string): readonly JsonFields[] {
  const list = fields.optionalObjects(name)
  if (list === undefined && !(name in fields.object)) fields.refuse(name, 'a list of descriptors')
  return list ?? []
}

function refuseFields(fields: JsonFields, names: readonly string[], kind: string): void {
  const name = names.find((other) => fields.has(other))
  if (name === undefined) return
  throw new OcibakeError(
    'MANIFEST_INVALID',
    `${fields.what} is ${kind} by its media type and has '${name}': it could be read as something else.`,
  )
}
