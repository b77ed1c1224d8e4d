import { Digester } from './digest.ts'
import type { Layer } from './layer.ts'
import { layerBytes, layerMembers } from './layer-tar.ts'
import { type LayerCompression, layerType, type MediaTypeFamily } from './layer-type.ts'
import type { Directory } from './node.ts'
import type { PieceRow } from './piece-index.ts'
import { cutPieces } from './pieces.ts'
import { pressPieces } from './press-pieces.ts'
import { stoppable } from './stoppable.ts'
import type { Store } from './store.ts'
import { zstdFrame } from './zstd-frame.ts'

export interface WriteLayerOptions {
  readonly compression: LayerCompression
  readonly mediaTypes: MediaTypeFamily
  readonly signal: AbortSignal
  /** Bytes of the raw tar that are made so far; how many there will be is not known before the end. */
  readonly onProgress?: (rawBytes: number) => void
}

/**
 * Writes a layer into the store, in one pass: tar, its digest, pieces, compressed, their digest. With gzip or none the
 * same layer gives the same bytes on every machine, with any number of cores, whatever the store knows already. Pieces
 * that are in a layer that was written before are copied from there.
 * @throws DISK_FULL; FILE_CHANGED and whatever else a content throws; the signal's reason. Then nothing is stored.
 */
export async function writeLayer(store: Store, layer: Directory, options: WriteLayerOptions): Promise<Layer> {
  const { compression, mediaTypes, onProgress } = options
  const raw = new Digester()
  const seen = (bytes: Uint8Array) => {
    raw.update(bytes)
    onProgress?.(raw.size)
  }
  const write = compression === 'gzip' ? writeMembers : writeWhole
  const { digest, size } = await write(store, layer, options, seen)
  return { mediaType: layerType(mediaTypes, compression), digest, size, diffId: raw.digest() }
}

async function writeMembers(
  store: Store,
  layer: Directory,
  { signal }: WriteLayerOptions,
  seen: (raw: Uint8Array) => void,
) {
  const rows: PieceRow[] = []
  const donors = new Set<number>()
  const known = await store.pieces.known()
  async function* members(): AsyncGenerator<Uint8Array> {
    let offset = 0
    for await (const piece of pressPieces(cutPieces(layerMembers(layer)), { signal, known })) {
      const { raw, member, key, size, crc, blob } = piece
      seen(raw)
      rows.push({ key, offset, size, crc })
      if (blob !== undefined) donors.add(blob)
      offset += size
      yield member
    }
  }
  const written = await store.writeBlob(members())
  await store.pieces.keep(written.digest, rows)
  await store.pieces.used(Array.from(donors, (blob) => known.blobs[blob]!))
  return written
}

function writeWhole(
  store: Store,
  layer: Directory,
  { compression, signal }: WriteLayerOptions,
  seen: (raw: Uint8Array) => void,
) {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const chunk of stoppable(layerBytes(layer), signal)) {
      seen(chunk)
      yield chunk
    }
  }
  return store.writeBlob(compression === 'zstd' ? zstdFrame(bytes()) : bytes())
}
