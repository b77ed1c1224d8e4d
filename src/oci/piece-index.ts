import { OcibakeError } from '../errors.ts'
import { type Digest, digestOf } from './digest.ts'

/** What made the members. Another one makes other bytes: its members are not reused. A test compares it to package.json. */
export const COMPRESSOR = 'libdeflate 0.1.0, level 6'

/** Where a gzip member is in a blob, by what it is made of. */
export interface PieceRow {
  /** sha256 of the raw piece, 32 bytes. */
  readonly key: Uint8Array
  readonly offset: number
  /** Bytes of the member, and their CRC-32. */
  readonly size: number
  readonly crc: number
}

/** Bytes of a row: the key, offset (8), size (4), CRC-32 (4), big-endian. */
export const ROW = 48
export const KEY = 32

/** An index of the members of one blob: a line of JSON that says what follows and its sha256, then the rows. */
export function encodePieces(blob: Digest, pieces: readonly PieceRow[]): Buffer {
  const rows = Buffer.alloc(pieces.length * ROW)
  pieces.forEach(({ key, offset, size, crc }, i) => {
    const at = i * ROW
    rows.set(key, at)
    rows.writeBigUInt64BE(BigInt(offset), at + KEY)
    rows.writeUInt32BE(size, at + KEY + 8)
    rows.writeUInt32BE(crc, at + KEY + 12)
  })
  const head = { compressor: COMPRESSOR, blob, sha256: digestOf(rows) }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), rows])
}

/**
 * The rows of an index, as bytes; undefined for one of another compressor.
 * @throws STORE_CORRUPT for bytes that `encodePieces` did not write for this blob
 */
export function decodePieces(bytes: Buffer, blob: Digest): Buffer | undefined {
  const end = bytes.indexOf(0x0a)
  const rows = bytes.subarray(end + 1)
  const head = parseHead(bytes.toString('utf8', 0, Math.max(end, 0)))
  if (head?.blob !== blob || head.sha256 !== digestOf(rows) || rows.byteLength % ROW !== 0) {
    throw new OcibakeError('STORE_CORRUPT', `The index of the pieces of ${blob} is not what was written.`, {
      hint: 'Run: ocibake cache verify',
    })
  }
  return head.compressor === COMPRESSOR ? rows : undefined
}

function parseHead(text: string): { compressor?: unknown; blob?: unknown; sha256?: unknown } | undefined {
  try {
    const head: unknown = JSON.parse(text)
    return typeof head === 'object' && head !== null ? head : undefined
  } catch {
    return undefined
  }
}
