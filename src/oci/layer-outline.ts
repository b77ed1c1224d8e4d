import { OcibakeError } from '../errors.ts'
import { AbsentFile } from './absent-file.ts'
import { bytesContent, type Content, readAll } from './content.ts'
import type { Digest } from './digest.ts'
import { isJsonObject } from './json.ts'
import { entryContent, LayerBuilder } from './layer-read.ts'
import type { ByteString } from './name.ts'
import { type Directory, NO_XATTRS } from './node.ts'
import type { IndexedTar } from './store-layers.ts'
import type { DataExtent, EntryType, TarEntry } from './tar-entry.ts'

/** Goes up when the format changes, or what the same members make. */
export const OUTLINE_VERSION = 1

const TYPES: readonly EntryType[] = ['file', 'link', 'symlink', 'character', 'block', 'directory', 'fifo']
const MOST_ID = 2 ** 32 - 2
const NO_DATA: readonly DataExtent[] = []

/** What steps read that name owners, as most do. Larger ones than this many bytes are left out like all others. */
const ACCOUNTS = /^(?:\.?\/)?etc\/(?:passwd|group)$/
const SMALL = 1 << 16

/**
 * The members of a layer's archive without their contents, but for those of /etc/passwd and /etc/group, as JSON: an
 * outline, by which all can be known of the layer but what is in its files. Names are byte strings, values base64.
 * @throws STORE_CORRUPT
 */
export async function writeOutline({ entries, file }: Pick<IndexedTar, 'entries' | 'file'>): Promise<Buffer> {
  const rows: unknown[][] = []
  for (const entry of entries()) {
    const { path, type, mode, uid, gid, mtime, size, target, major, minor, xattrs } = entry
    const row: unknown[] = [path, TYPES.indexOf(type), mode, uid, gid, mtime, size, target, major, minor]
    const isKept = type === 'file' && size > 0 && size <= SMALL && ACCOUNTS.test(path)
    if (xattrs.size > 0 || isKept) row.push(Array.from(xattrs, ([name, value]) => [name, base64(value)]))
    if (isKept) row.push(base64(await readAll(entryContent(file, entry), SMALL)))
    rows.push(row)
  }
  return Buffer.from(JSON.stringify({ version: OUTLINE_VERSION, rows }))
}

/**
 * The tree of the layer that `writeOutline` was given the members of, but for the contents of its files, which have their
 * sizes alone. Takes any bytes. @throws LAYER_INVALID for what is no outline, and as LayerBuilder does
 */
export function readOutline(bytes: Buffer, diffId: Digest): Directory {
  const file = new AbsentFile(diffId)
  const builder = new LayerBuilder()
  let end = 0
  for (const row of rowsIn(bytes, diffId)) {
    const entry = entryIn(row, end)
    if (entry === undefined) throw invalid(diffId)
    end += entry.size
    const kept = keptIn(row, entry)
    builder.add(entry, (one) => kept ?? entryContent(file, one))
  }
  return builder.finish()
}

function rowsIn(bytes: Buffer, diffId: Digest): readonly unknown[] {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw invalid(diffId)
  }
  if (!isJsonObject(value) || value.version !== OUTLINE_VERSION || !Array.isArray(value.rows)) throw invalid(diffId)
  return value.rows
}

/** @param offset of its content: another for each, by which contents are told from each other */
function entryIn(row: unknown, offset: number): TarEntry | undefined {
  if (!Array.isArray(row)) return undefined
  const [path, kind, mode, uid, gid, mtime, size, target, major, minor, pairs] = row as unknown[]
  const type = TYPES[Number(kind)]
  const xattrs = xattrsIn(pairs)
  if (type === undefined || xattrs === undefined || !isName(path) || !isName(target)) return undefined
  if (!isCount(mode, 0o7777) || !isCount(uid, MOST_ID) || !isCount(gid, MOST_ID)) return undefined
  if (!isCount(major, MOST_ID) || !isCount(minor, MOST_ID) || !Number.isSafeInteger(mtime)) return undefined
  if (!isCount(size, type === 'file' ? Number.MAX_SAFE_INTEGER - offset : 0)) return undefined
  const data = size === 0 ? NO_DATA : [{ at: 0, offset, size }]
  return { path, type, mode, uid, gid, mtime: mtime as number, size, target, major, minor, xattrs, data }
}

function keptIn(row: unknown, { size }: TarEntry): Content | undefined {
  const value: unknown = Array.isArray(row) ? row[11] : undefined
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined
  return bytes?.length === size && size > 0 ? bytesContent(bytes) : undefined
}

function xattrsIn(pairs: unknown): TarEntry['xattrs'] | undefined {
  if (pairs === undefined) return NO_XATTRS
  if (!Array.isArray(pairs)) return undefined
  const xattrs = new Map<ByteString, Uint8Array>()
  for (const pair of pairs) {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (!isName(name) || typeof value !== 'string') return undefined
    xattrs.set(name, Buffer.from(value, 'base64'))
  }
  return xattrs
}

function isName(value: unknown): value is ByteString {
  return typeof value === 'string' && !/[\0\u0100-\uffff]/.test(value)
}

function isCount(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= most
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

function invalid(diffId: Digest): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `The outline of the layer ${diffId} is none.`)
}
