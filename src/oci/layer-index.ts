import { OcibakeError } from '../errors.ts'
import { type Digest, digestOf } from './digest.ts'
import type { DataExtent, EntryType, TarEntry } from './tar-entry.ts'

/** What the store knows of a raw tar without reading it. */
export interface LayerIndex {
  readonly diffId: Digest
  /** Bytes of the raw tar. */
  readonly size: number
  readonly entries: readonly TarEntry[]
}

/** Goes up whenever the format or what TarScanner finds in the same bytes changes; other versions are not read. */
const VERSION = 1

type Row = readonly [
  path: string,
  type: EntryType,
  mode: number,
  uid: number,
  gid: number,
  mtime: number,
  size: number,
  target: string,
  major: number,
  minor: number,
  xattrs: readonly (readonly [name: string, base64: string])[],
  data: readonly (readonly [at: number, offset: number, size: number])[],
]

/** The index as bytes: a line of JSON that says what follows and its sha256, then the entries, a JSON array each. */
export function encodeIndex({ diffId, size, entries }: LayerIndex): Buffer {
  const body = Buffer.from(`[${entries.map((entry) => JSON.stringify(toRow(entry))).join(',\n')}]\n`)
  const head = { version: VERSION, diffId, size, sha256: digestOf(body) }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body])
}

/** @throws STORE_CORRUPT for bytes that `encodeIndex` of this version did not write for this layer */
export function decodeIndex(bytes: Buffer, diffId: Digest): LayerIndex {
  try {
    const end = bytes.indexOf(0x0a)
    const head: { version: number; diffId: string; size: number; sha256: string } = JSON.parse(
      bytes.toString('utf8', 0, end),
    )
    const body = bytes.subarray(end + 1)
    if (head.version === VERSION && head.diffId === diffId && head.sha256 === digestOf(body)) {
      const rows: Row[] = JSON.parse(body.toString('utf8'))
      return { diffId, size: head.size, entries: rows.map(fromRow) }
    }
    throw corrupt(diffId)
  } catch (error) {
    throw error instanceof OcibakeError ? error : corrupt(diffId, error)
  }
}

function corrupt(diffId: Digest, cause?: unknown): OcibakeError {
  return new OcibakeError('STORE_CORRUPT', `The index of layer ${diffId} is not what was written.`, {
    hint: 'Run: ocibake cache verify',
    cause,
  })
}

function toRow(entry: TarEntry): Row {
  const { path, type, mode, uid, gid, mtime, size, target, major, minor } = entry
  const xattrs = Array.from(entry.xattrs, ([name, value]) => [name, Buffer.from(value).toString('base64')] as const)
  const data = entry.data.map((extent) => [extent.at, extent.offset, extent.size] as const)
  return [path, type, mode, uid, gid, mtime, size, target, major, minor, xattrs, data]
}

function fromRow(row: Row): TarEntry {
  const [path, type, mode, uid, gid, mtime, size, target, major, minor, pairs, extents] = row
  const xattrs = new Map(pairs.map(([name, value]) => [name, Buffer.from(value, 'base64')]))
  const data: DataExtent[] = extents.map(([at, offset, length]) => ({ at, offset, size: length }))
  return { path, type, mode, uid, gid, mtime, size, target, major, minor, xattrs, data }
}
