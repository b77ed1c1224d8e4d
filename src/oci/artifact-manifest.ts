import { OcibakeError } from '../errors.ts'
import { readDescriptor, readDocumentDescriptor } from './descriptor.ts'
import { digestOf } from './digest.ts'
import { readJsonObject, showJson, writeJson } from './json.ts'
import { JsonFields } from './json-fields.ts'
import { OCI_MANIFEST } from './media-types.ts'
import type { Descriptor, Document } from './source.ts'

/** A small document with blobs that belong to it, which a registry keeps as it keeps an image. */
export interface Artifact {
  readonly config: Descriptor
  /** The document, where the manifest has it too. */
  readonly document: Buffer | undefined
  readonly blobs: readonly Descriptor[]
}

/** What stands for no blob: registries want one layer at least. (image-spec manifest.md, "Guidance for an Empty Descriptor") */
export const EMPTY_BLOB = Buffer.from('{}')
/** Of `EMPTY_BLOB`. */
export const EMPTY_DESCRIPTOR: Descriptor = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: digestOf(EMPTY_BLOB),
  size: EMPTY_BLOB.length,
}

/** By it the document comes with the manifest, and need not be asked for. A larger one is in its own blob alone. */
const DOCUMENT = 'vnd.ocibake.document'
const LARGEST_ANNOTATION = 64 << 10

/**
 * The manifest of an artifact: an ordinary image manifest whose config has a media type of ours, since not every registry
 * knows `artifactType`. The same parts give the same bytes.
 * @param document UTF-8
 */
export function writeArtifact(mediaType: string, document: Buffer, blobs: readonly Descriptor[]): Document {
  const bytes = writeJson({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType, digest: digestOf(document), size: document.length },
    layers: blobs.length === 0 ? [EMPTY_DESCRIPTOR] : blobs,
    annotations: document.length > LARGEST_ANNOTATION ? undefined : { [DOCUMENT]: document.toString('utf8') },
  })
  return { mediaType: OCI_MANIFEST, digest: digestOf(bytes), bytes }
}

/** What is said of an image by something beside it. */
export interface Referrer {
  /** What it is about. */
  readonly subject: Descriptor
  /** What it says, and by that its kind. */
  readonly blob: Descriptor
  readonly annotations: Readonly<Record<string, string>>
}

/** The manifest of an artifact that refers to an image. (image-spec manifest.md, "Guidelines for Artifact Usage") */
export function writeReferrer({ subject, blob, annotations }: Referrer): Document {
  const { mediaType, digest, size } = subject
  const bytes = writeJson({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: blob.mediaType,
    config: EMPTY_DESCRIPTOR,
    layers: [blob],
    subject: { mediaType, digest, size },
    annotations,
  })
  return { mediaType: OCI_MANIFEST, digest: digestOf(bytes), bytes }
}

/**
 * What the manifest of an artifact says.
 * @throws MANIFEST_INVALID for what is no such manifest, or one whose config has another media type;
 * MANIFEST_UNSUPPORTED as `readDescriptor`
 */
export function readArtifact({ bytes, digest }: Document, mediaType: string): Artifact {
  const what = `manifest ${digest}`
  const fields = new JsonFields(readJsonObject(bytes, what, 'MANIFEST_INVALID'), what, 'MANIFEST_INVALID')
  const config = readDocumentDescriptor(fields.optionalObject('config') ?? fields.refuse('config', 'a descriptor'))
  if (config.mediaType !== mediaType) {
    throw new OcibakeError('MANIFEST_INVALID', `${what} is ${showJson(config.mediaType)}; wanted ${mediaType}.`)
  }
  const text = fields.optionalTextMap('annotations')?.[DOCUMENT]
  const document = text === undefined ? undefined : Buffer.from(text, 'utf8')
  const layers = (fields.optionalObjects('layers') ?? []).map(readDescriptor)
  return {
    config,
    document: document !== undefined && digestOf(document) === config.digest ? document : undefined,
    blobs: layers.filter((layer) => layer.digest !== EMPTY_DESCRIPTOR.digest),
  }
}
