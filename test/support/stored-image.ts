import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type ImageConfig, writeConfig } from '../../src/oci/config.ts'
import { bytesContent } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { Image } from '../../src/oci/image.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { type LayerCompression, layerType, type MediaTypeFamily } from '../../src/oci/layer-type.ts'
import { writeManifest } from '../../src/oci/manifest.ts'
import { OCI_CONFIG } from '../../src/oci/media-types.ts'
import { directory, FRESH_DIRECTORY, type Node } from '../../src/oci/node.ts'
import type { Store } from '../../src/oci/store.ts'
import { chunked, collect } from './bytes.ts'

const COMPRESS = { none: (raw: Buffer) => raw, gzip: gzipSync, zstd: zstdCompressSync }

/** The raw tar of a layer with these files in its root, each 0644 and of 1970. */
export async function layerTar(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const attrs = { ...FRESH_DIRECTORY, mode: 0o644 }
  const nodes = Object.entries(files).map(([name, text]): [string, Node] => [
    name,
    { kind: 'file', attrs, content: bytesContent(text) },
  ])
  return collect(layerBytes(directory(new Map(nodes), FRESH_DIRECTORY)))
}

export interface StoredImageOptions {
  readonly layers: readonly Readonly<Record<string, string>>[]
  readonly compression?: LayerCompression
  readonly mediaTypes?: MediaTypeFamily
  readonly config?: NonNullable<ImageConfig['config']>
}

/** An image with these layers whose blobs are in the store, made with Node's own compressors. */
export async function storedImage(store: Store, options: StoredImageOptions): Promise<Image> {
  const { layers, compression = 'gzip', mediaTypes = 'oci', config = { Cmd: ['/hello'] } } = options
  const stored = await Promise.all(
    layers.map(async (files) => {
      const raw = await layerTar(files)
      const blob = Buffer.from(COMPRESS[compression](raw))
      const descriptor = { mediaType: layerType('oci', compression), digest: digestOf(blob), size: blob.length }
      return store.ingestLayer(descriptor, digestOf(raw), () => chunked(blob))
    }),
  )
  const document: ImageConfig = {
    created: '2020-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: stored.map((layer) => layer.diffId) },
    history: stored.map((_, i) => ({ created: '2020-01-01T00:00:00Z', created_by: `layer ${i}` })),
  }
  const bytes = writeConfig(document)
  const descriptor = { mediaType: OCI_CONFIG, digest: await store.putDocument(bytes), size: bytes.length }
  const manifest = writeManifest({ config: descriptor, layers: stored, annotations: { a: 'b' }, mediaTypes })
  return { manifest, config: { descriptor, document }, layers: stored }
}
