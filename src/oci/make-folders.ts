import { mkdir, rmdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { systemCode } from '../errors.ts'

/**
 * Makes a host folder and those above it. @returns the first that was made, undefined when all were there
 * @throws the system's error for the first folder that could not be made: Node's own recursive mkdir says ENOENT for
 * most of them, on a read-only file system too
 */
export async function makeFolders(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true, mode })
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
  for (let missing = resolve(path); ; missing = dirname(missing)) {
    try {
      await mkdir(missing, mode)
      // It could be made after all: somebody has just removed it.
      await mkdir(path, { recursive: true, mode })
      return missing
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || missing === dirname(missing)) throw error
    }
  }
}

/**
 * What `work` comes to in a host folder, which is made for it, with those above it, if it is not there. Folders that were
 * made are gone again if it fails, as far as they are empty. @throws as `makeFolders`; what `work` throws
 */
export async function withFolders<T>(path: string, work: () => Promise<T>): Promise<T> {
  const folder = resolve(path)
  const first = await makeFolders(folder)
  try {
    return await work()
  } catch (error) {
    for (const made of first === undefined ? [] : foldersFrom(first, folder)) await rmdir(made).catch(() => {})
    throw error
  }
}

/** The folders that mkdir made, the innermost first. */
function foldersFrom(first: string, last: string): string[] {
  const made = [last]
  while (made.at(-1) !== first && made.at(-1)!.length > first.length) made.push(resolve(made.at(-1)!, '..'))
  return made
}
