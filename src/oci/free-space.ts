import { statfsSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Bytes that can still be written on the disk of a folder: for root, what is set aside for it, too. Undefined where
 * nobody knows, as on file systems without a limit.
 */
export function freeBytes(folder: string): number | undefined {
  try {
    const { blocks, bavail, bfree, bsize } = statfsSync(folder)
    if (blocks === 0) return undefined
    return (process.getuid?.() === 0 ? bfree : bavail) * bsize
  } catch {
    return undefined
  }
}

/** The path itself, or the folder above it that is there; its real path. */
export async function nearestFolder(path: string): Promise<string> {
  for (let there = path; ; there = dirname(there)) {
    try {
      return await realpath(there)
    } catch (error) {
      if (there === dirname(there)) throw error
    }
  }
}
