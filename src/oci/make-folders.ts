import { mkdir } from 'node:fs/promises'
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
