import { layerBytes } from './layer-bytes.ts'
import type { Tree } from './node.ts'
import { stoppable } from './stoppable.ts'
import { type ArchivePlace, writeArchive } from './write-archive.ts'

/**
 * Writes `rootfs:file`: the whole tree as a plain tar archive, with owners, modes, xattrs, devices and hard links, for
 * `tar --xattrs --numeric-owner -xpf`. The same tree gives the same bytes. Atomic.
 * @throws DISK_FULL, OUTPUT_FAILED, FILE_CHANGED; the reason of the signal
 */
export async function writeRootfs(place: ArchivePlace, tree: Tree, signal: AbortSignal): Promise<void> {
  await writeArchive(place, stoppable(layerBytes(tree), signal))
}
