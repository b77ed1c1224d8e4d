/**
 * What the tables of deflate's codes say, an int32 each, made for the loop that reads them: most need no branch. From the
 * lowest bit: 5 bits how many bits of the input to drop; at its own place `DISTANCES` when a distance comes next; from
 * `RAW_SHIFT` on how much raw data they stand for.
 */
export const DROP = 31
export const RAW_SHIFT = 16
export const RAW = 511

/** Bits that index a table; codes have at most 15. */
export const TABLE_BITS = 11
export const LONGER_BITS = 15 - TABLE_BITS
/** Where the table of distances begins, which has as many entries as that of literals and lengths at 0. */
export const DISTANCES = 1 << TABLE_BITS

/** Entries below 0 need a closer look: they have one of these kinds. */
export const KIND = 7 << 29
export const END_OF_BLOCK = 4 << 29
/** A length whose extra bits the index does not hold; 4 bits say where they begin, 3 bits how many they are. */
export const EXTRA = 5 << 29
export const EXTRA_AT_SHIFT = 5
const EXTRA_AT = 15
export const EXTRA_BITS_SHIFT = 12
const EXTRA_BITS = 7
/** A longer code: the rest of the entry is where the table for its other bits begins. */
export const LONGER = 6 << 29
export const LONGER_AT = (1 << 29) - 1
export const INVALID = 7 << 29

/** The usual entry that one of kind `EXTRA` is when the input is `bits`, from its code on. */
export function withExtra(entry: number, bits: number): number {
  const mask = (1 << ((entry >> EXTRA_BITS_SHIFT) & EXTRA_BITS)) - 1
  const extra = (bits >> ((entry >> EXTRA_AT_SHIFT) & EXTRA_AT)) & mask
  return (entry & (DROP | DISTANCES | (RAW << RAW_SHIFT))) + (extra << RAW_SHIFT)
}
