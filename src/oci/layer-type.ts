import { DOCKER_LAYER_GZIP, DOCKER_LAYER_TAR, OCI_LAYER_GZIP, OCI_LAYER_TAR, OCI_LAYER_ZSTD } from './media-types.ts'

/** Whose names for the same things a manifest uses. */
export type MediaTypeFamily = 'oci' | 'docker'

export type LayerCompression = 'none' | 'gzip' | 'zstd'

/** Docker never registered a zstd type; containers/image and BuildKit write and read this one. */
const DOCKER_LAYER_ZSTD = 'application/vnd.docker.image.rootfs.diff.tar.zstd'

const LAYER_TYPES: Readonly<Record<MediaTypeFamily, Readonly<Record<LayerCompression, string>>>> = {
  oci: { none: OCI_LAYER_TAR, gzip: OCI_LAYER_GZIP, zstd: OCI_LAYER_ZSTD },
  docker: { none: DOCKER_LAYER_TAR, gzip: DOCKER_LAYER_GZIP, zstd: DOCKER_LAYER_ZSTD },
}

const COMPRESSIONS: ReadonlyMap<string, LayerCompression> = new Map(
  Object.values(LAYER_TYPES).flatMap((types) => [
    [types.none, 'none'],
    [types.gzip, 'gzip'],
    [types.zstd, 'zstd'],
  ]),
)

/** How a layer of this media type is compressed; undefined for what is no image layer that can be read. */
export function compressionOf(mediaType: string): LayerCompression | undefined {
  return COMPRESSIONS.get(mediaType)
}

export function layerType(family: MediaTypeFamily, compression: LayerCompression): string {
  return LAYER_TYPES[family][compression]
}

/** Why a layer of this media type is refused, for people; undefined if it is not. */
export function whyLayerRefused(mediaType: string): string | undefined {
  if (COMPRESSIONS.has(mediaType)) return undefined
  if (/\.nondistributable\.|\.foreign\./.test(mediaType)) {
    return 'is a foreign layer, whose bytes are elsewhere: ocibake never fetches those'
  }
  if (mediaType.endsWith('+encrypted')) return 'is an encrypted layer: ocibake has no keys'
  return 'is no image layer that ocibake reads: tar, plain or with gzip or zstd'
}
