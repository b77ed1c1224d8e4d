import { digestOf } from './digest.ts'
import type { Image } from './image.ts'
import { writeJson } from './json.ts'
import type { MediaTypeFamily } from './layer-type.ts'
import { DOCKER_LIST, OCI_INDEX } from './media-types.ts'
import type { Platform } from './platform.ts'
import type { Document } from './source.ts'

/** Images of several platforms behind one name. */
export interface ImageIndex {
  readonly document: Document
  /** In the order of the document. */
  readonly entries: readonly IndexEntry[]
}

export interface IndexEntry {
  readonly platform: Platform
  readonly image: Image
}

export interface IndexParts {
  readonly entries: readonly IndexEntry[]
  /** Docker's format has no place for them: they are left out there. */
  readonly annotations: Readonly<Record<string, string>>
  /** Docker's index is its manifest list. */
  readonly mediaTypes: MediaTypeFamily
}

/** The index of images: the same parts in the same order give the same bytes. (image-spec image-index.md) */
export function writeIndex({ entries, annotations, mediaTypes }: IndexParts): ImageIndex {
  const mediaType = mediaTypes === 'oci' ? OCI_INDEX : DOCKER_LIST
  const sorted = Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1))
  const bytes = writeJson({
    schemaVersion: 2,
    mediaType,
    manifests: entries.map(({ platform: { architecture, os, variant }, image: { manifest } }) => ({
      mediaType: manifest.mediaType,
      digest: manifest.digest,
      size: manifest.bytes.length,
      platform: { architecture, os, variant },
    })),
    annotations: mediaTypes === 'oci' && sorted.length > 0 ? Object.fromEntries(sorted) : undefined,
  })
  return { document: { mediaType, digest: digestOf(bytes), bytes }, entries }
}

/** What one name stands for. */
export type Named = Image | ImageIndex

export function imagesOf(named: Named): readonly Image[] {
  return 'entries' in named ? named.entries.map(({ image }) => image) : [named]
}

/** Manifests, then the index that names them if there is one: the last is what the name leads to. */
export function documentsOf(named: Named): readonly Document[] {
  const manifests = imagesOf(named).map(({ manifest }) => manifest)
  return 'entries' in named ? [...manifests, named.document] : manifests
}
