import { KEY, type PieceRow, ROW } from './piece-index.ts'

/** A member that is known, and the number of the blob that it is in. */
export interface FoundPiece extends Omit<PieceRow, 'key'> {
  readonly blob: number
}

/** What a thread needs to look pieces up: memory that all share, written before it is shared and never after. */
export interface SharedPieces {
  /** Host paths of blobs, any of which may be gone. */
  readonly blobs: readonly string[]
  /** Rows of all blobs, one after another. */
  readonly rows: SharedArrayBuffer
  /** For each row the number of its blob. */
  readonly owners: SharedArrayBuffer
  /** Open addressing by the first four bytes of the key: the number of a row plus one, 0 for none. A power of two long. */
  readonly slots: SharedArrayBuffer
}

/** @param found rows as `decodePieces` gives them; of equal keys the first counts */
export function sharePieces(found: readonly { readonly path: string; readonly rows: Uint8Array }[]): SharedPieces {
  const count = found.reduce((sum, { rows }) => sum + rows.byteLength / ROW, 0)
  const rows = Buffer.from(new SharedArrayBuffer(count * ROW))
  const owners = new Uint32Array(new SharedArrayBuffer(count * 4))
  const slots = new Uint32Array(new SharedArrayBuffer(4 * 2 ** Math.ceil(Math.log2(2 * count + 1))))
  let row = 0
  found.forEach((blob, number) => {
    rows.set(blob.rows, row * ROW)
    for (const end = row + blob.rows.byteLength / ROW; row < end; row++) {
      owners[row] = number
      const slot = slotOf(rows, row * ROW, rows, slots)
      // Images of one base share most pieces: a chain of equal keys would be walked again and again.
      if (slots[slot] === 0) slots[slot] = row + 1
    }
  })
  const blobs = found.map(({ path }) => path)
  return { blobs, rows: rows.buffer as SharedArrayBuffer, owners: owners.buffer, slots: slots.buffer }
}

/** The slot that leads to the row of the key at `at` of `keys`, or the free one where it would be. */
function slotOf(keys: Buffer, at: number, rows: Buffer, slots: Uint32Array): number {
  const mask = slots.length - 1
  let slot = keys.readUInt32BE(at) & mask
  for (let row = slots[slot]!; row !== 0; row = slots[slot]!) {
    if (keys.compare(rows, (row - 1) * ROW, (row - 1) * ROW + KEY, at, at + KEY) === 0) break
    slot = (slot + 1) & mask
  }
  return slot
}

/** Looks pieces up in shared memory. */
export class PieceTable {
  readonly #rows: Buffer
  readonly #owners: Uint32Array
  readonly #slots: Uint32Array

  constructor({ rows, owners, slots }: SharedPieces) {
    this.#rows = Buffer.from(rows)
    this.#owners = new Uint32Array(owners)
    this.#slots = new Uint32Array(slots)
  }

  /** The member of the piece with this sha256. */
  find(key: Buffer): FoundPiece | undefined {
    const row = this.#slots[slotOf(key, 0, this.#rows, this.#slots)]!
    if (row === 0) return undefined
    const at = (row - 1) * ROW + KEY
    return {
      blob: this.#owners[row - 1]!,
      offset: Number(this.#rows.readBigUInt64BE(at)),
      size: this.#rows.readUInt32BE(at + 8),
      crc: this.#rows.readUInt32BE(at + 12),
    }
  }
}
