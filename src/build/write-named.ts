import { dirname } from 'node:path'
import type { Named } from '../oci/image-index.ts'
import { withFolders } from '../oci/make-folders.ts'
import type { Store } from '../oci/store.ts'
import { isStdout, type Transport } from '../oci/transport.ts'
import type { ArchivePlace } from '../oci/write-archive.ts'
import { outputError } from '../oci/write-file.ts'
import { writeLayout } from '../oci/write-layout.ts'
import { writeOciArchive } from '../oci/write-oci-archive.ts'
import { type TakeBytes, writePiped } from '../oci/write-piped.ts'

/** An output that can have an image or an index. */
export type LayoutOutput = Extract<Transport, { readonly kind: 'oci' | 'oci-archive' }>

/** An output that is one stream of bytes. */
export type ArchiveOutput = Extract<Transport, { readonly file: string }>

export interface WriteOptions {
  readonly store: Store
  /** See BuildOptions. */
  readonly stdout?: TakeBytes | undefined
  readonly signal: AbortSignal
}

/** Writes what has all its blobs in the store. @throws DISK_FULL, OUTPUT_FAILED, LAYOUT_INVALID, STORE_CORRUPT, the signal's reason */
export async function writeNamed(named: Named, output: LayoutOutput, options: WriteOptions): Promise<void> {
  const { store, signal } = options
  const { tag } = output
  if (output.kind === 'oci') return await writeLayout(output.folder, tag, named, store, signal)
  await inPlace(output, options, (place) => writeOciArchive(place, tag, named, store, signal))
}

/** Has an archive written to its place: stdout, or a file, whose folder is made. @throws OUTPUT_FAILED, and what `write` throws */
export async function inPlace(
  output: ArchiveOutput,
  { stdout, signal }: WriteOptions,
  write: (place: ArchivePlace) => Promise<void>,
): Promise<void> {
  // `preflight` has refused it where there is none.
  if (isStdout(output)) return await write((bytes) => writePiped(bytes, output, stdout!, signal))
  try {
    await withFolders(dirname(output.file), () => write(output.file))
  } catch (error) {
    throw outputError(error, output.file)
  }
}
