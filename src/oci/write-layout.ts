import { readdir, rm, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { bytesContent, type Content } from './content.ts'
import { Digester } from './digest.ts'
import { withFolderLock } from './folder-lock.ts'
import { imageBlobs } from './image.ts'
import { documentsOf, imagesOf, type Named } from './image-index.ts'
import { checkLayoutFile, LAYOUT_FILE, writeLayoutIndex } from './layout-index.ts'
import { blobPath } from './layout-source.ts'
import { folderBlobs } from './local-blobs.ts'
import { readDocumentFile } from './local-file.ts'
import { makeFolders, withFolders } from './make-folders.ts'
import { display, fromText } from './name.ts'
import type { Descriptor } from './source.ts'
import { stoppable } from './stoppable.ts'
import type { Store } from './store.ts'
import { outputError, writeFileAtomically } from './write-file.ts'
import { storedBlob } from './write-oci-archive.ts'

/**
 * Writes `oci:folder[:tag]`: makes the OCI image layout or adds to it. What had the tag loses it; without a tag, what
 * had none. Everything else stays, the blobs of replaced images too (`umoci gc` removes those).
 * Readers see the old index or the new one; on failure the new files are gone. Builds that write to one folder at the
 * same time wait for each other.
 * @throws DISK_FULL, OUTPUT_FAILED; LAYOUT_INVALID for a layout that is broken already; STORE_CORRUPT; the reason of
 * the signal
 */
export async function writeLayout(
  folder: string,
  tag: string | undefined,
  named: Named,
  store: Store,
  signal: AbortSignal,
): Promise<void> {
  const root = resolve(folder)
  try {
    await withFolders(root, () => withFolderLock(root, signal, () => writeInto(root, tag, named, store, signal)))
  } catch (error) {
    throw outputError(error, folder)
  }
}

async function writeInto(
  root: string,
  tag: string | undefined,
  named: Named,
  store: Store,
  signal: AbortSignal,
): Promise<void> {
  const before = await readDocumentFile(join(root, 'index.json'), 'refused')
  const name = display(fromText(root))
  const isLayout = await isLayoutFolder(root, name)
  const index = writeLayoutIndex(named, tag, before, `${name}: index.json`)
  const undo: (() => Promise<void>)[] = []
  try {
    const blobs = join(root, 'blobs')
    for (const path of [blobs, join(blobs, 'sha256')]) {
      if ((await makeFolders(path)) !== undefined) undo.push(() => rmdir(path))
    }
    await removePartial(root)
    const add = async (path: string, content: Content) => {
      await writeFileAtomically(join(root, path), stoppable(content.open(), signal))
      undo.push(() => rm(join(root, path)))
    }
    for (const blob of imageBlobs(...imagesOf(named))) {
      if (!(await holds(root, blob, signal))) await add(blobPath(blob.digest), storedBlob(store, blob))
    }
    for (const { digest, bytes } of documentsOf(named)) {
      if (!(await holds(root, { digest, size: bytes.length }, signal))) await add(blobPath(digest), bytesContent(bytes))
    }
    if (!isLayout) await add('oci-layout', bytesContent(LAYOUT_FILE))
    await writeFileAtomically(join(root, 'index.json'), index)
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {})
    throw error
  }
}

/** False for an empty folder. Nothing else is written to: a typing error must not strew blobs among somebody's files. */
async function isLayoutFolder(root: string, name: string): Promise<boolean> {
  const version = await readDocumentFile(join(root, 'oci-layout'), 'refused')
  if (version !== undefined) {
    checkLayoutFile(version, `${name}: oci-layout`)
    return true
  }
  const others = (await readdir(root)).filter((entry) => !entry.startsWith('.ocibake-lock') && entry !== 'blobs')
  if (others.length === 0) return false
  throw new OcibakeError(
    'OUTPUT_FAILED',
    `${name} is no OCI layout and not empty: it has '${display(fromText(others[0]!))}'.`,
    {
      hint: 'Name a folder that does not exist yet.',
    },
  )
}

/** Whether the folder has the blob with these very bytes; a damaged one is written again. */
async function holds(root: string, { digest, size }: Pick<Descriptor, 'digest' | 'size'>, signal: AbortSignal) {
  const blob = await folderBlobs(root).find(blobPath(digest))
  if (blob === undefined || blob.size !== size) return false
  const digester = new Digester()
  for await (const chunk of stoppable(blob.open(), signal)) digester.update(chunk)
  return digester.digest() === digest
}

/** What a killed build left: under the lock, nobody else is writing. */
async function removePartial(root: string): Promise<void> {
  for (const folder of [root, join(root, 'blobs', 'sha256')]) {
    const left = (await readdir(folder)).filter((name) => /^\..+[.-][0-9a-f]{12}\.partial$/.test(name))
    for (const name of left) await rm(join(folder, name), { force: true })
  }
}
