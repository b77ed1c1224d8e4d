import { bytesContent, type Content } from './content.ts'
import { imageBlobs } from './image.ts'
import { documentsOf, imagesOf, type Named } from './image-index.ts'
import { LAYOUT_FILE, writeLayoutIndex } from './layout-index.ts'
import { blobPath } from './layout-source.ts'
import { type ArchiveMember, plainArchive } from './plain-archive.ts'
import type { Descriptor } from './source.ts'
import { stoppable } from './stoppable.ts'
import type { Store } from './store.ts'
import { type ArchivePlace, writeArchive } from './write-archive.ts'

/**
 * Writes `oci-archive:file[:tag]`: an OCI image layout of this one image, or index, as a tar archive. The same image and
 * tag give the same bytes. Atomic: a file that was there is replaced by a whole one or stays.
 * @throws DISK_FULL, OUTPUT_FAILED, STORE_CORRUPT; the reason of the signal
 */
export async function writeOciArchive(
  place: ArchivePlace,
  tag: string | undefined,
  named: Named,
  store: Store,
  signal: AbortSignal,
): Promise<void> {
  const blobs = imageBlobs(...imagesOf(named)).map((blob) => ({
    name: blobPath(blob.digest),
    content: storedBlob(store, blob),
  }))
  const documents = documentsOf(named).map(({ digest, bytes }) => ({
    name: blobPath(digest),
    content: bytesContent(bytes),
  }))
  const members: ArchiveMember[] = [
    { name: 'oci-layout', content: bytesContent(LAYOUT_FILE) },
    { name: 'index.json', content: bytesContent(writeLayoutIndex(named, tag)) },
    ...[...blobs, ...documents].sort((a, b) => (a.name < b.name ? -1 : 1)),
  ]
  await writeArchive(place, stoppable(plainArchive(members), signal))
}

/** A blob of the store as a content; verified as it is read. */
export function storedBlob(store: Store, { digest, size }: Pick<Descriptor, 'digest' | 'size'>): Content {
  return { size, digest, open: () => store.openBlob(digest) }
}
