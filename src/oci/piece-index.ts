import { decodeBlobIndex, encodeBlobIndex } from './blob-index.ts'
import type { Digest } from './digest.ts'

/** What made the members. Another one makes other bytes: its members are not reused. A test compares it to its sources. */
export const COMPRESSOR = 'libdeflate 1.25, level 6'

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

/** An index of the members of one blob. */
export function encodePieces(blob: Digest, pieces: readonly PieceRow[]): Buffer {
  const rows = Buffer.alloc(pieces.length * ROW)
  pieces.forEach(({ key, offset, size, crc }, i) => {
    const at = i * ROW
    rows.set(key, at)
    rows.writeBigUInt64BE(BigInt(offset), at + KEY)
    rows.writeUInt32BE(size, at + KEY + 8)
    rows.writeUInt32BE(crc, at + KEY + 12)
  })
  return encodeBlobIndex(COMPRESSOR, blob, rows)
}

/**
 * The rows of an index, as bytes; undefined for one of another compressor.
 * @throws STORE_CORRUPT for bytes that `encodePieces` did not write for this blob
 */
export function decodePieces(bytes: Buffer, blob: Digest): Buffer | undefined {
  return decodeBlobIndex(bytes, COMPRESSOR, blob, 'pieces')
}

/** The pieces of rows as `decodePieces` gives them. */
export function piecesIn(rows: Buffer): PieceRow[] {
  return Array.from({ length: rows.length / ROW }, (_, i) => {
    const row = rows.subarray(i * ROW, (i + 1) * ROW)
    return {
      key: row.subarray(0, KEY),
      offset: Number(row.readBigUInt64BE(KEY)),
      size: row.readUInt32BE(KEY + 8),
      crc: row.readUInt32BE(KEY + 12),
    }
  })
}
