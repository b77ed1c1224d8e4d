import {
  DISTANCES,
  DROP,
  END_OF_BLOCK,
  EXTRA,
  KIND,
  LONGER,
  LONGER_AT,
  LONGER_BITS,
  RAW,
  RAW_SHIFT,
  TABLE_BITS,
  withExtra,
} from './deflate-entry.ts'

/** Where in a block's symbols one is. */
export interface SymbolPlace {
  /** The next bit of the input. */
  bit: number
  /** Bytes of raw data that what has been skipped stands for, below 2^31, as that of 1 MiB of input is at any rate. */
  raw: number
  /** Where the table of the next code begins: `DISTANCES` after a length, else 0. */
  table: number
}

/**
 * Skips a block's symbols up to its end, or until none begins four bytes before `limit`; `place` says how far it came.
 * @param view the input, at least up to `limit`
 * @param entries of `DeflateCodes`
 * @param limit a byte of the input
 */
export function skipSymbols(
  view: DataView,
  entries: Int32Array,
  place: SymbolPlace,
  limit: number,
): 'end' | 'limit' | 'invalid' {
  for (;;) {
    const rare = skipUsual(view, entries, place, limit)
    if (rare === 0) return 'limit'
    const entry = resolved(entries, rare, view.getInt32(place.bit >>> 3, true) >>> (place.bit & 7))
    place.bit += entry & DROP
    if (entry < 0) {
      place.table = 0
      return (entry & KIND) === END_OF_BLOCK ? 'end' : 'invalid'
    }
    place.raw += (entry >> RAW_SHIFT) & RAW
    place.table = entry & DISTANCES
  }
}

/** @param word the input, from the entry's code on; 25 bits of it are enough for any code and its extra bits */
function resolved(entries: Int32Array, rare: number, word: number): number {
  const isLonger = (rare & KIND) === LONGER
  const index = (rare & LONGER_AT) + ((word >>> TABLE_BITS) & ((1 << LONGER_BITS) - 1))
  const entry = isLonger ? entries[index]! : rare
  return entry < 0 && (entry & KIND) === EXTRA ? withExtra(entry, word) : entry
}

/**
 * Skips what usual entries stand for, as far as the next rare one, which is given, or the limit: then 0 is.
 * The speed of a scan is the speed of this loop. Numbers stay local and of 32 bits; they are written out, for V8 fetches
 * constants of modules anew in each turn; and whatever else might be done here costs it registers.
 */
function skipUsual(view: DataView, entries: Int32Array, place: SymbolPlace, limit: number): number {
  let { bit, raw, table } = place
  let at = bit >>> 3
  // The next bits of the input, `valid` of which count; the bits above those are the input's as well, or 0.
  let word = view.getUint8(at) >>> (bit & 7)
  let valid = 8 - (bit & 7)
  let rare = 0
  at++
  const last = limit - 4
  while (at <= last) {
    word |= view.getInt32(at, true) << valid
    at = (at + ((31 - valid) >>> 3)) | 0
    // Never below 24, and no usual entry drops more: 11 bits of a code, 13 extra ones.
    valid |= 24
    const entry = entries[(table + (word & 0x7ff)) | 0]!
    if (entry < 0) {
      rare = entry
      break
    }
    word >>>= entry & 31
    valid = (valid - (entry & 31)) | 0
    raw = (raw + (entry >>> 16)) | 0
    table = entry & 0x800
  }
  place.bit = 8 * at - valid
  place.raw = raw
  place.table = table
  return rare
}
