import { closeSync, openSync, readSync } from 'node:fs'
import { constants, gunzipSync } from 'node:zlib'
import { isFile } from '../stat-of.ts'

const NAMES = /\.(tar(\.(gz|bz2|xz|zst))?|tgz|tbz2?|txz|tzst)$/
const MAGIC = ['1f8b08', '425a68', 'fd377a585a00', '28b52ffd']

/** ADD unpacks the file: it is a tarball, by its first bytes or, if it is not there, by its name. */
export function isArchive(path: string): boolean {
  const head = headOf(path)
  if (head === undefined) return NAMES.test(path)
  if (isTar(head)) return true
  const magic = MAGIC.find((bytes) => head.toString('hex').startsWith(bytes))
  // Only gzip is inflated here: a name says of the others whether a tarball is in them.
  return magic === '1f8b08' ? isTar(inflated(head)) : magic !== undefined && NAMES.test(path)
}

function headOf(path: string): Buffer | undefined {
  if (!isFile(path)) return undefined
  try {
    const file = openSync(path, 'r')
    try {
      const bytes = Buffer.alloc(64 << 10)
      return bytes.subarray(0, readSync(file, bytes))
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}

function inflated(head: Buffer): Buffer {
  try {
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 128 << 20 })
  } catch {
    return Buffer.alloc(0)
  }
}

const isTar = (bytes: Buffer) => bytes.length >= 512 && bytes.toString('latin1', 257, 262) === 'ustar'
