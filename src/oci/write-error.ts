import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { OcibakeError, systemCode } from '../errors.ts'

/**
 * What to throw when writing `path` failed with `error`: DISK_FULL for a full disk or quota, else the error itself.
 * @param needed bytes of the whole file, where that is known
 */
export function writeError(error: unknown, path: string, needed?: number): unknown {
  const code = systemCode(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  const wanted = needed === undefined ? '' : ` for a file of ${needed} bytes`
  const free = freeBytes(dirname(path))
  const left = free === undefined ? '' : `; ${free} bytes are free`
  const reason = code === 'EDQUOT' ? 'The disk quota is used up' : 'The disk is full'
  return new OcibakeError('DISK_FULL', `${reason} at ${dirname(path)}${wanted}${left}.`, {
    hint: 'Free some space (ocibake cache prune), or choose another disk with --cache-dir.',
    cause: error,
  })
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return undefined
  }
}
