import { Digester } from './digest.ts'
import type { GrowingFile } from './growing-file.ts'
import type { Layer } from './layer.ts'
import { layerBytes } from './layer-bytes.ts'
import { type LayerSources, NO_SOURCES } from './layer-sources.ts'
import { layerParts } from './layer-tar.ts'
import type { LayerThreads } from './layer-threads.ts'
import { type LayerCompression, layerType, type MediaTypeFamily } from './layer-type.ts'
import type { Directory } from './node.ts'
import type { PieceRow } from './piece-index.ts'
import { PiecePool, usualThreads } from './piece-pool.ts'
import { cutPieces } from './pieces.ts'
import { type PressedPiece, type PressOptions, pressPieces } from './press-pieces.ts'
import { stoppable } from './stoppable.ts'
import type { Store } from './store.ts'
import type { FillingFile } from './store-blobs.ts'
import { zstdFrame } from './zstd-frame.ts'

export interface WriteLayerOptions {
  readonly compression: LayerCompression
  readonly mediaTypes: MediaTypeFamily
  readonly signal: AbortSignal
  /** Bytes of the raw tar that are made so far; how many there will be is not known before the end. */
  readonly onProgress?: (rawBytes: number) => void
  /** Parts of them are in the layer as they are: they decide its bytes. Default: none. */
  readonly sources?: LayerSources
  /** Started before, for gzip; closed by who has started them. Default: such of its own. */
  readonly threads?: LayerThreads
  /** Gets the layer's file before its first byte, to read it while it grows, and has to close it. */
  readonly onFile?: (file: GrowingFile) => void
}

/**
 * Writes a layer into the store, in one pass: tar, its digest, pieces, compressed, their digest. With gzip or none the
 * same layer gives the same bytes on every machine, with any number of cores, whatever the store knows already. Pieces
 * that are in a layer that was written before, and blocks of the sources' blobs, are copied from there.
 * @throws DISK_FULL; STORE_CORRUPT when a file of the store is not what it was; FILE_CHANGED and whatever else a content throws; the signal's reason. Then nothing is stored.
 */
export async function writeLayer(store: Store, layer: Directory, options: WriteLayerOptions): Promise<Layer> {
  const { compression, mediaTypes } = options
  const write = compression === 'gzip' ? writeMembers : writeWhole
  return { mediaType: layerType(mediaTypes, compression), ...(await write(store, layer, options)) }
}

type Written = Omit<Layer, 'mediaType'>

async function writeMembers(store: Store, layer: Directory, options: WriteLayerOptions): Promise<Written> {
  const { threads, onFile } = options
  const known = threads?.known ?? (await store.pieces.known())
  const pool = threads?.pool ?? new PiecePool(usualThreads(), known)
  const rows: PieceRow[] = []
  const donors = new Set<number>()
  const onPiece = ({ row, size, blob }: PressedPiece, offset: number) => {
    if (row !== undefined) rows.push({ ...row, offset, size })
    if (blob !== undefined) donors.add(blob)
  }
  const written = await store.fillBlob(async (file) => {
    try {
      return await fillMembers(file, layer, { ...options, known, pool, onPiece })
    } finally {
      await pool.close()
    }
  }, onFile)
  await store.pieces.keep(written.digest, rows)
  await store.pieces.used(Array.from(donors, (blob) => known.blobs[blob]!))
  return written
}

interface FillOptions
  extends Pick<PressOptions, 'signal' | 'known'>,
    Pick<WriteLayerOptions, 'sources' | 'onProgress'> {
  readonly pool: PiecePool
  readonly onPiece: (piece: PressedPiece, offset: number) => void
}

/**
 * Has the pool's threads write the layer. What it is uncompressed is hashed here: the thread that writes has most to do.
 */
async function fillMembers(file: FillingFile, layer: Directory, options: FillOptions): Promise<Written> {
  const { signal, known, pool, onPiece, onProgress, sources = NO_SOURCES } = options
  const into = file.descriptor
  const tar = new Digester()
  const append = async (piece: PressedPiece) => {
    const { kind, raw, member, rawCrc } = piece
    // Before anything is waited for: pieces come in their order.
    tar.update(raw)
    const made = rawCrc === undefined ? { kind, raw, member } : { kind, raw, member, rawCrc }
    const { offset, fileSize } = piece.appended ?? (await pool.append({ ...made, into }))
    file.grew(fileSize)
    onPiece(piece, offset)
  }
  const pieces = cutPieces(layerParts(layer, sources.tars), sources)
  for await (const _ of pressPieces(pieces, { signal, known, pool, into, onPiece: append })) onProgress?.(tar.size)
  await checkUse(sources)
  return { ...(await pool.end(into)), diffId: tar.digest() }
}

/** Headers were taken from the tars; what was read of their contents besides has been looked at. */
async function checkUse({ tars }: LayerSources): Promise<void> {
  for (const tar of tars) await tar.checkUse()
}

async function writeWhole(store: Store, layer: Directory, options: WriteLayerOptions): Promise<Written> {
  const { compression, signal, onFile, onProgress, sources = NO_SOURCES } = options
  const raw = new Digester()
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const chunk of stoppable(layerBytes(layer, sources.tars), signal)) {
      raw.update(chunk)
      onProgress?.(raw.size)
      yield chunk
    }
    await checkUse(sources)
  }
  const written = await store.writeBlob(compression === 'zstd' ? zstdFrame(bytes()) : bytes(), onFile)
  return { ...written, diffId: raw.digest() }
}
