import { dirname } from 'node:path'
import type { Named } from '../oci/image-index.ts'
import { withFolders } from '../oci/make-folders.ts'
import type { Store } from '../oci/store.ts'
import type { Transport } from '../oci/transport.ts'
import { outputError } from '../oci/write-file.ts'
import { writeLayout } from '../oci/write-layout.ts'
import { writeOciArchive } from '../oci/write-oci-archive.ts'

/** An output that can have an image or an index. */
export type LayoutOutput = Extract<Transport, { readonly kind: 'oci' | 'oci-archive' }>

/** Writes what has all its blobs in the store. @throws DISK_FULL, OUTPUT_FAILED, LAYOUT_INVALID, STORE_CORRUPT, the signal's reason */
export async function writeNamed(named: Named, output: LayoutOutput, store: Store, signal: AbortSignal): Promise<void> {
  const { tag } = output
  if (output.kind === 'oci') return await writeLayout(output.folder, tag, named, store, signal)
  await inFolder(output.file, () => writeOciArchive(output.file, tag, named, store, signal))
}

/** The folder of an output is made for it. @throws OUTPUT_FAILED, and what `write` throws */
export async function inFolder(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await withFolders(dirname(file), write)
  } catch (error) {
    throw outputError(error, file)
  }
}
