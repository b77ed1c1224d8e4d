import {
  DISTANCES,
  DROP,
  END_OF_BLOCK,
  EXTRA,
  EXTRA_AT,
  EXTRA_AT_SHIFT,
  EXTRA_BITS,
  EXTRA_BITS_SHIFT,
  KIND,
  LONGER,
  LONGER_AT,
  LONGER_BITS,
  RAW,
  RAW_SHIFT,
  TABLE_BITS,
  TO_DISTANCE,
} from './deflate-entry.ts'

const MASK = DISTANCES - 1
const LONGER_MASK = (1 << LONGER_BITS) - 1
/** A shift makes the place of the next table of `TO_DISTANCE`, without a branch. */
const TO_TABLE = Math.log2(TO_DISTANCE / DISTANCES)

/** Where in a block's symbols one is. */
export interface SymbolPlace {
  /** The next bit of the input. */
  bit: number
  /** Bytes of raw data that what has been skipped stands for. */
  raw: number
  /** Where the table of the next code begins: `DISTANCES` after a length. */
  table: number
}

/**
 * Skips a block's symbols up to its end, or until `limit` has been reached; `place` says how far it came.
 * @param view the input; four bytes more than `limit` says can be read from it
 * @param entries of `DeflateCodes`
 * @param limit a bit of the input
 */
export function skipSymbols(
  view: DataView,
  entries: Int32Array,
  place: SymbolPlace,
  limit: number,
): 'end' | 'limit' | 'invalid' {
  // The speed of a scan is that of this loop: numbers stay local and 32 bits wide.
  let { bit, raw, table } = place
  let stop: 'end' | 'limit' | 'invalid' = 'limit'
  while (bit < limit) {
    const word = view.getInt32(bit >>> 3, true) >>> (bit & 7)
    let entry = entries[table + (word & MASK)]!
    if (entry < 0) {
      if ((entry & KIND) === LONGER) entry = entries[(entry & LONGER_AT) + ((word >>> TABLE_BITS) & LONGER_MASK)]!
      if (entry < 0) {
        if ((entry & KIND) === EXTRA) {
          const mask = (1 << ((entry >> EXTRA_BITS_SHIFT) & EXTRA_BITS)) - 1
          raw += (word >>> ((entry >> EXTRA_AT_SHIFT) & EXTRA_AT)) & mask
        } else {
          stop = (entry & KIND) === END_OF_BLOCK ? 'end' : 'invalid'
          bit += entry & DROP
          table = 0
          break
        }
      }
    }
    bit += entry & DROP
    raw += (entry >>> RAW_SHIFT) & RAW
    table = (entry & TO_DISTANCE) >>> TO_TABLE
  }
  place.bit = bit
  place.raw = raw
  place.table = table
  return stop
}
