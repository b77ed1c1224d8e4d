import { chmod, lstat, readdir, rename, rmdir, unlink } from 'node:fs/promises'
import { systemCode } from '../errors.ts'

const SLASH = Buffer.from('/')
/** Below PATH_MAX (4096) by more than one name (255). */
const LONG = 3800

/**
 * Removes a host folder and all that is in it, or a file; nothing there is fine. Made for roots that scripts had their
 * hands on: names are bytes, symlinks are not followed, folders without permission are opened up, paths may be longer
 * than PATH_MAX, and nothing on another filesystem (a mount that was left) is touched: that fails with EBUSY, as rmdir
 * of a mount point does.
 */
export async function removeTree(path: Buffer | string): Promise<void> {
  const root = Buffer.from(path)
  const found = await lstat(root).catch(absent)
  if (found === undefined) return
  if (!found.isDirectory()) return unlink(root)
  await removeFolder(root, { root, device: found.dev, moved: 0 })
}

interface Removal {
  readonly root: Buffer
  readonly device: number
  /** Folders that were moved up because their path was too long. */
  moved: number
}

async function removeFolder(folder: Buffer, removal: Removal): Promise<void> {
  const entries = await openedFolder(folder)
  const pathOf = ({ name }: { readonly name: Buffer }) => Buffer.concat([folder, SLASH, name])
  await Promise.all(entries.filter((one) => !one.isDirectory()).map((one) => unlink(pathOf(one)).catch(absent)))
  for (const path of entries.filter((one) => one.isDirectory()).map(pathOf)) {
    await removeSubfolder(path.byteLength < LONG ? path : await movedUp(path, removal), removal)
  }
  await rmdir(folder).catch(absent)
}

async function removeSubfolder(path: Buffer, removal: Removal): Promise<void> {
  const { dev } = await lstat(path)
  // rmdir of a mount point fails and says so; what is mounted there stays.
  if (dev !== removal.device) return rmdir(path)
  await removeFolder(path, removal)
}

async function movedUp(path: Buffer, removal: Removal): Promise<Buffer> {
  const shorter = Buffer.concat([removal.root, Buffer.from(`/.ocibake-deep-${removal.moved++}`)])
  await rename(path, shorter)
  return shorter
}

async function openedFolder(folder: Buffer) {
  // Without the right to write, unlink fails; without the right to read, readdir does. Root needs none of this.
  if (process.getuid?.() !== 0) await chmod(folder, 0o700)
  return readdir(folder, { withFileTypes: true, encoding: 'buffer' })
}

function absent(error: unknown): undefined {
  if (systemCode(error) === 'ENOENT') return undefined
  throw error
}
