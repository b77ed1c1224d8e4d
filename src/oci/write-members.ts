import type { Section } from './divide.ts'
import type { LayerSources } from './layer-sources.ts'
import { findStart, keepStart, startKeys } from './layer-start.ts'
import { MembersWriter } from './members-writer.ts'
import { PiecePool, usualThreads } from './piece-pool.ts'
import { canResumeDigests } from './resumable-digester.ts'
import type { Store } from './store.ts'
import type { FillingFile } from './store-blobs.ts'
import type { WriteLayerOptions, WrittenLayer } from './write-layer-options.ts'

interface MembersOptions extends Pick<WriteLayerOptions, 'signal' | 'threads' | 'onFile' | 'onProgress'> {
  readonly sources: LayerSources
}

/** As `writeLayer`, compressed with gzip. */
export async function writeMembers(
  store: Store,
  sections: readonly Section[],
  options: MembersOptions,
): Promise<WrittenLayer> {
  const { threads, onFile, sources } = options
  const keys = canResumeDigests() ? startKeys(sections, sources) : []
  const known = threads?.known ?? (await store.pieces.known())
  const pool = threads?.pool ?? new PiecePool(usualThreads(), known)
  const start = await findStart(store, keys)
  const writer = new MembersWriter(sections, { ...options, known, pool, marked: keys.length })
  const fill = async (file: FillingFile) => {
    try {
      await writer.begin(file, start && { ...start, path: store.blobPath(start.blob) })
      return await writer.write(file)
    } finally {
      await pool.close()
    }
  }
  const written = await store.fillBlob(fill, onFile)
  const { copied, rows, donors, marks } = writer
  const before = copied === undefined ? [] : await store.pieces.before(copied.blob, copied.size)
  await store.pieces.keep(written.digest, [...before, ...rows])
  await store.pieces.used(Array.from(donors, (blob) => known.blobs[blob]!))
  for (const { count, ...mark } of marks) await keepStart(store, keys[count - 1]!, { ...mark, blob: written.digest })
  return written
}
