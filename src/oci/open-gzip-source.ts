import { stat } from 'node:fs/promises'
import type { GzipSource } from './gzip-source.ts'
import type { Layer } from './layer.ts'
import type { Shelves } from './shelves.ts'
import { hasUsefulBlocks } from './store-blocks.ts'

/** See `Store.gzipSource`. */
export async function openGzipSource(
  { blobs, blocks, layers }: Shelves,
  { digest, size, diffId }: Omit<Layer, 'mediaType'>,
  signal: AbortSignal,
): Promise<GzipSource | undefined> {
  if (!hasUsefulBlocks({ size })) return undefined
  await blobs.size(digest)
  const found = await blocks.of(digest, signal)
  if (found === 'none') return undefined
  const { file } = await layers.opened(diffId)
  if (found.raw[found.count] !== (await stat(file.path)).size) return undefined
  return { file, blob: blocks.file(digest), blobSize: size, blocks: found }
}
