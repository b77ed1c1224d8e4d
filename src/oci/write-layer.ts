import { compressPieces } from './compress.ts'
import { Digester } from './digest.ts'
import type { Layer } from './layer.ts'
import { layerParts, type TarPart } from './layer-tar.ts'
import { type LayerCompression, layerType, type MediaTypeFamily } from './layer-type.ts'
import type { Directory } from './node.ts'
import { cutPieces } from './pieces.ts'
import type { Store } from './store.ts'

export interface WriteLayerOptions {
  readonly compression: LayerCompression
  readonly mediaTypes: MediaTypeFamily
  readonly signal: AbortSignal
  /** Bytes of the raw tar that are made so far; how many there will be is not known before the end. */
  readonly onProgress?: (rawBytes: number) => void
}

/**
 * Writes a layer into the store, in one pass: tar, its digest, pieces, compressed, their digest. With gzip or none the
 * same layer gives the same bytes on every machine, with any number of cores.
 * @throws DISK_FULL; FILE_CHANGED and whatever else a content throws; the signal's reason. Then nothing is stored.
 */
export async function writeLayer(store: Store, layer: Directory, options: WriteLayerOptions): Promise<Layer> {
  const { compression, mediaTypes, signal, onProgress } = options
  const raw = new Digester()
  async function* hashed(): AsyncGenerator<TarPart> {
    for await (const part of layerParts(layer)) {
      signal.throwIfAborted()
      raw.update(part.bytes)
      yield part
      onProgress?.(raw.size)
    }
  }
  const { digest, size } = await store.writeBlob(compressPieces(cutPieces(hashed()), { compression, signal }))
  return { mediaType: layerType(mediaTypes, compression), digest, size, diffId: raw.digest() }
}
