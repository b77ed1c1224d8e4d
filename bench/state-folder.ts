import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

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
