import { bytesContent, type Content } from './content.ts'
import { decompress } from './decompress.ts'
import { type Digest, hexOf } from './digest.ts'
import type { Image } from './image.ts'
import { writeJson } from './json.ts'
import type { Layer } from './layer.ts'
import { type ArchiveMember, plainArchive } from './plain-archive.ts'
import { formatReference, type Reference } from './reference.ts'
import { stoppable } from './stoppable.ts'
import type { Store } from './store.ts'
import { verified } from './verified.ts'
import { type ArchivePlace, writeArchive } from './write-archive.ts'
import { storedBlob } from './write-oci-archive.ts'

/**
 * Writes `docker-archive:file[:name:tag]` as `docker save` has it: uncompressed layers, the config, `manifest.json` and
 * `repositories`, for `docker load`, `podman load` and skopeo. The same image and names give the same bytes. Atomic.
 * @throws DISK_FULL, OUTPUT_FAILED, STORE_CORRUPT; BLOB_MISMATCH for a layer that is not its diffId; the reason
 * of the signal
 */
export async function writeDockerArchive(
  place: ArchivePlace,
  names: readonly Reference[],
  image: Image,
  store: Store,
  signal: AbortSignal,
): Promise<void> {
  const layers = new Map<Digest, Content>()
  for (const layer of image.layers) {
    if (!layers.has(layer.diffId)) layers.set(layer.diffId, await uncompressed(store, layer, signal))
  }
  const { descriptor } = image.config
  const configName = `${hexOf(descriptor.digest)}.json`
  const item = {
    Config: configName,
    RepoTags: names.map(formatReference),
    Layers: image.layers.map((layer) => layerName(layer.diffId)),
  }
  const members: ArchiveMember[] = [
    ...Array.from(layers, ([diffId, content]) => ({ name: layerName(diffId), content })),
    { name: configName, content: storedBlob(store, descriptor) },
    // Last, as `docker save` and skopeo have it.
    { name: 'manifest.json', content: bytesContent(writeJson([item])) },
    { name: 'repositories', content: bytesContent(writeJson(repositories(names, image))) },
  ]
  await writeArchive(place, stoppable(plainArchive(members), signal))
}

function layerName(diffId: Digest): string {
  return `${hexOf(diffId)}/layer.tar`
}

/** name -> tag -> the top layer's id: what Docker before 1.10 reads. */
function repositories(names: readonly Reference[], { layers }: Image): Record<string, Record<string, string>> {
  const top = layers.at(-1)
  const tree: Record<string, Record<string, string>> = {}
  for (const { registry, repository, tag = 'latest' } of top === undefined ? [] : names) {
    tree[`${registry}/${repository}`] = { ...tree[`${registry}/${repository}`], [tag]: hexOf(top!.diffId) }
  }
  return tree
}

/** A tar header needs the size before the bytes, so a compressed layer is inflated twice rather than held anywhere. */
async function uncompressed(store: Store, layer: Layer, signal: AbortSignal): Promise<Content> {
  // Not asked of the media type, which may be wrong about the bytes.
  if (layer.digest === layer.diffId) return storedBlob(store, layer)
  const open = () => decompress(store.openBlob(layer.digest), `layer ${layer.digest}`)
  let size = 0
  for await (const chunk of stoppable(open(), signal)) size += chunk.byteLength
  return { size, digest: layer.diffId, open: () => verified(open(), { digest: layer.diffId, size }) }
}
