import { Digester } from './digest.ts'
import type { Section } from './divide.ts'
import type { Layer } from './layer.ts'
import { archiveBytes } from './layer-bytes.ts'
import { type LayerSources, NO_SOURCES } from './layer-sources.ts'
import { layerMembers, type TarMember } from './layer-tar.ts'
import { layerType } from './layer-type.ts'
import { LinkedNames } from './linked-names.ts'
import type { Directory } from './node.ts'
import { stoppable } from './stoppable.ts'
import type { Store } from './store.ts'
import type { WriteLayerOptions, WrittenLayer } from './write-layer-options.ts'
import { writeMembers } from './write-members.ts'
import { zstdFrame } from './zstd-frame.ts'

/**
 * Writes a layer into the store, in one pass: tar, its digest, pieces, compressed, their digest. With gzip or none the
 * same layer gives the same bytes on every machine, with any number of cores, whatever the store knows already. Pieces
 * that are in a layer that was written before, and blocks of the sources' blobs, are copied from there; so is all that a
 * layer starts with, if another one was written that starts with the same sections.
 * @param layer as a whole, or in the sections that come one after the other in its tar
 * @throws DISK_FULL; STORE_CORRUPT when a file of the store is not what it was; FILE_CHANGED and whatever else a content throws; the signal's reason. Then nothing is stored.
 */
export async function writeLayer(
  store: Store,
  layer: Directory | readonly Section[],
  options: WriteLayerOptions,
): Promise<Layer> {
  const { compression, mediaTypes } = options
  const sections = 'kind' in layer ? [{ layer }] : layer
  const write = compression === 'gzip' ? writeMembers : writeWhole
  const written = await write(store, sections, { sources: NO_SOURCES, ...options })
  return { mediaType: layerType(mediaTypes, compression), ...written }
}

async function writeWhole(
  store: Store,
  sections: readonly Section[],
  options: WriteLayerOptions & { readonly sources: LayerSources },
): Promise<WrittenLayer> {
  const { compression, signal, onFile, onProgress, sources } = options
  const raw = new Digester()
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const chunk of stoppable(archiveBytes(membersOf(sections, sources)), signal)) {
      raw.update(chunk)
      onProgress?.(raw.size)
      yield chunk
    }
    for (const tar of sources.tars) await tar.checkUse()
  }
  const written = await store.writeBlob(compression === 'zstd' ? zstdFrame(bytes()) : bytes(), onFile)
  return { ...written, diffId: raw.digest() }
}

function* membersOf(sections: readonly Section[], { tars }: LayerSources): Generator<TarMember> {
  const names = new LinkedNames(sections.map(({ layer }) => layer))
  for (const { layer } of sections) yield* layerMembers(layer, tars, names)
}
