/**
 * What the tables of deflate's codes say, an int32 each, made for the loop in inflate.wat: most need no branch. The lowest
 * 6 bits are how many bits of the input to drop. What is 0 or above is one or two literals, how many from `COUNT_SHIFT`
 * on, the first one from `LITERAL_SHIFT` on; or, with `MATCH`, a length or a distance: its least value from `BASE_SHIFT`
 * on, and from `CODE_SHIFT` on how many of the bits to drop are the code; the others, above, are to be added.
 */
export const DROP = 63
export const MATCH = 1 << 7
export const LITERAL_SHIFT = 8
export const COUNT_SHIFT = 24
export const CODE_SHIFT = 8
export const BASE_SHIFT = 16

/** Bits that index a table; codes have at most 15. */
export const TABLE_BITS = 11
export const LONGER_BITS = 15 - TABLE_BITS
/** Where the table of distances begins, which has as many entries as that of literals and lengths at 0. */
export const DISTANCES = 1 << TABLE_BITS

/** Entries below 0 have one of these kinds. */
export const KIND = 7 << 29
/** A longer code: the rest of the entry is where the table for its other bits begins. */
export const LONGER = 4 << 29
export const LONGER_AT = (1 << 29) - 1
export const END_OF_BLOCK = 6 << 29
export const INVALID = 7 << 29
