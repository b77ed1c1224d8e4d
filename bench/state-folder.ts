import { mkdir, readdir, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { availableMemory } from 'node:process'

const MARK = '.ocibake-bench'

/**
 * Makes the folder, or finds it as an earlier run left it. What is in it may be removed from then on, so a folder of
 * somebody else is refused. @throws when it holds things and is not marked as ours
 */
export async function stateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const entries = await readdir(folder)
  if (entries.length > 0 && !entries.includes(MARK)) {
    throw new Error(`${folder} is not empty, and no bench has made it. Name another with --state.`)
  }
  await writeFile(join(folder, MARK), '')
}

/** statfs(2) of a filesystem whose files are in memory. */
const TMPFS = 0x01021994

/**
 * A filesystem in memory says that it has room until there is no memory left, and the machine stands still.
 * @throws when so many bytes have no room in the folder
 */
export async function refuseLittleRoom(folder: string, bytes: number, what: string): Promise<void> {
  const { type, bavail, bsize } = await statfs(folder)
  const free = type === TMPFS ? Math.min(bavail * bsize, availableMemory()) : bavail * bsize
  if (free >= bytes) return
  const gigabytes = (size: number) => `${Math.floor(size / 1e9)} GB`
  throw new Error(
    `${what} takes ${gigabytes(bytes)} in ${folder}, where ${gigabytes(free)} are free. Name another with --state.`,
  )
}
