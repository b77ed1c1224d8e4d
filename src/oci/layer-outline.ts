import { OcibakeError } from '../errors.ts'
import { AbsentFile } from './absent-file.ts'
import { bytesContent, type Content, readAll } from './content.ts'
import type { Digest } from './digest.ts'
import { isJsonObject, type JsonObject } from './json.ts'
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

/** What members share: mode, uid, gid, seconds. */
type SharedAttrs = readonly [mode: number, uid: number, gid: number, mtime: number]

/** What most members do not have. */
interface Rare {
  readonly target?: string
  readonly device?: readonly [major: number, minor: number]
  /** Names and values. */
  readonly xattrs?: readonly (readonly [string, string])[]
  /** What is in the file. */
  readonly text?: string
}

/**
 * The members of a layer's archive without their contents, but for those of /etc/passwd and /etc/group, as JSON: an
 * outline, by which all can be known of the layer but what is in its files. Names are byte strings, values base64. A row
 * is a name, a type, the number of its attributes, a size, and what is rare.
 * @throws STORE_CORRUPT
 */
export async function writeOutline({ entries, file }: Pick<IndexedTar, 'entries' | 'file'>): Promise<Buffer> {
  const rows: unknown[] = []
  const attrs: SharedAttrs[] = []
  const numbers = new Map<string, number>()
  for (const entry of entries()) {
    const { path, type, mode, uid, gid, mtime, size } = entry
    const key = `${mode} ${uid} ${gid} ${mtime}`
    const number = numbers.get(key) ?? attrs.push([mode, uid, gid, mtime]) - 1
    numbers.set(key, number)
    const isKept = type === 'file' && size > 0 && size <= SMALL && ACCOUNTS.test(path)
    const rare = rareOf(entry, isKept ? base64(await readAll(entryContent(file, entry), SMALL)) : undefined)
    rows.push([path, TYPES.indexOf(type), number, size, ...(Object.keys(rare).length === 0 ? [] : [rare])])
  }
  return Buffer.from(JSON.stringify({ version: OUTLINE_VERSION, attrs, rows }))
}

function rareOf({ target, major, minor, xattrs }: TarEntry, text: string | undefined): Rare {
  return {
    ...(target === '' ? {} : { target }),
    ...(major === 0 && minor === 0 ? {} : { device: [major, minor] }),
    ...(xattrs.size === 0 ? {} : { xattrs: Array.from(xattrs, ([name, value]) => [name, base64(value)] as const) }),
    ...(text === undefined ? {} : { text }),
  }
}

/**
 * The tree of the layer that `writeOutline` was given the members of, but for the contents of its files, which have their
 * sizes alone. Takes any bytes. @throws LAYER_INVALID for what is no outline, and as LayerBuilder does
 */
export function readOutline(bytes: Buffer, diffId: Digest): Directory {
  const file = new AbsentFile(diffId)
  const builder = new LayerBuilder()
  const { attrs, rows } = documentIn(bytes, diffId)
  if (!attrs.every(isAttrs)) throw invalid(diffId)
  let end = 0
  for (const row of rows) {
    const [path, kind, number, size, rare = {}] = Array.isArray(row) ? (row as unknown[]) : []
    const type = TYPES[Number(kind)]
    const shared = attrs[Number(number)]
    if (!isName(path) || type === undefined || shared === undefined || !isJsonObject(rare)) throw invalid(diffId)
    if (!isCount(size, type === 'file' ? Number.MAX_SAFE_INTEGER - end : 0)) throw invalid(diffId)
    const [mode, uid, gid, mtime] = shared as SharedAttrs
    // Another place for each content, by which they are told from each other.
    const data = size === 0 ? NO_DATA : [{ at: 0, offset: end, size }]
    const more = moreIn(rare)
    if (more === undefined) throw invalid(diffId)
    end += size
    const kept = keptIn(rare, size)
    const entry: TarEntry = { path, type, mode, uid, gid, mtime, size, data, ...more }
    builder.add(entry, (one) => kept ?? entryContent(file, one))
  }
  return builder.finish()
}

type More = Pick<TarEntry, 'target' | 'major' | 'minor' | 'xattrs'>

function documentIn(bytes: Buffer, diffId: Digest): { attrs: readonly unknown[]; rows: readonly unknown[] } {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw invalid(diffId)
  }
  if (!isJsonObject(value) || value.version !== OUTLINE_VERSION) throw invalid(diffId)
  const { attrs, rows } = value
  if (!Array.isArray(attrs) || !Array.isArray(rows)) throw invalid(diffId)
  return { attrs, rows }
}

function isAttrs(value: unknown): value is SharedAttrs {
  const [mode, uid, gid, mtime] = Array.isArray(value) ? (value as unknown[]) : []
  return isCount(mode, 0o7777) && isCount(uid, MOST_ID) && isCount(gid, MOST_ID) && Number.isSafeInteger(mtime)
}

/** undefined: something in it is not what it should be. */
function moreIn({ target = '', device = [0, 0], xattrs: pairs = [] }: JsonObject): More | undefined {
  const [major, minor] = Array.isArray(device) ? (device as unknown[]) : []
  if (!isName(target) || !isCount(major, MOST_ID) || !isCount(minor, MOST_ID)) return undefined
  const xattrs = xattrsIn(pairs)
  return xattrs && { target, major, minor, xattrs }
}

function keptIn({ text }: JsonObject, size: number): Content | undefined {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined
  return bytes?.length === size && size > 0 ? bytesContent(bytes) : undefined
}

function xattrsIn(pairs: unknown): TarEntry['xattrs'] | undefined {
  if (!Array.isArray(pairs)) return undefined
  if (pairs.length === 0) return NO_XATTRS
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
