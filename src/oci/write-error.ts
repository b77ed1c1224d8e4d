import { dirname } from 'node:path'
import { OcibakeError, systemCode } from '../errors.ts'
import { freeBytes } from './free-space.ts'

/** What helps against a full disk of the store. */
export const MORE_ROOM = 'Free some space (ocibake cache prune), or choose another disk with --cache-dir.'

/**
 * What to throw when writing `path` failed with `error`: DISK_FULL for a full disk or quota, else the error itself.
 * @param needed bytes of the whole file, where that is known
 */
export function writeError(error: unknown, path: string, needed?: number): unknown {
  const code = systemCode(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return diskFull(code === 'EDQUOT' ? 'The disk quota is used up' : 'The disk is full', path, needed, error)
}

/**
 * Lets nobody begin to write a file that does not fit: after an hour of downloading it would be just as full.
 * @param size bytes, if they are known @throws DISK_FULL
 */
export function refuseTooLarge(path: string, size: number | undefined): void {
  // Others may free as much meanwhile.
  if (size === undefined || size < SMALL) return
  const free = freeBytes(dirname(path))
  if (free !== undefined && free < size) throw diskFull('The disk is full', path, size)
}

const SMALL = 1 << 20

function diskFull(reason: string, path: string, needed: number | undefined, cause?: unknown): OcibakeError {
  const wanted = needed === undefined ? '' : ` for a file of ${needed} bytes`
  const free = freeBytes(dirname(path))
  const left = free === undefined ? '' : `; ${free} bytes are free`
  return new OcibakeError('DISK_FULL', `${reason} at ${dirname(path)}${wanted}${left}.`, { hint: MORE_ROOM, cause })
}
