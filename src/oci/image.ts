import { OcibakeError } from '../errors.ts'
import type { ImageConfig } from './config.ts'
import type { Digest } from './digest.ts'
import type { Layer } from './layer.ts'
import type { Manifest } from './manifest.ts'
import type { Descriptor, Document } from './source.ts'

/** An image whose blobs are all in a store: what outputs write and a push sends. */
export interface Image {
  readonly manifest: Document
  readonly config: { readonly descriptor: Descriptor; readonly document: ImageConfig }
  /** From the lowest to the highest. */
  readonly layers: readonly Layer[]
}

/**
 * The layers of a manifest with what its config says that they unpack to. `what` names the image in the error.
 * @throws CONFIG_INVALID when config and manifest have not the same number of layers
 */
export function imageLayers(manifest: Manifest, config: ImageConfig, what: string): readonly Layer[] {
  const diffIds = config.rootfs.diff_ids
  if (diffIds.length !== manifest.layers.length) {
    throw new OcibakeError(
      'CONFIG_INVALID',
      `${what}: its config ${manifest.config.digest} has ${diffIds.length} diff_ids; its manifest has ${manifest.layers.length} layers.`,
    )
  }
  return manifest.layers.map(({ mediaType, digest, size }, i) => ({ mediaType, digest, size, diffId: diffIds[i]! }))
}

/** Every blob of the images once, the layers of each before its config. */
export function imageBlobs(...images: readonly Image[]): readonly Descriptor[] {
  const blobs = new Map<Digest, Descriptor>()
  for (const { layers, config } of images) {
    for (const { mediaType, digest, size } of layers) blobs.set(digest, { mediaType, digest, size })
    blobs.set(config.descriptor.digest, config.descriptor)
  }
  return [...blobs.values()]
}
