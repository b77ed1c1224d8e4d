/**
 * What the tables of deflate's codes say, an int32 each, made so that most entries need no branch. From the lowest bit:
 * 5 bits how many bits of the input to drop; 9 bits how much raw data they stand for; 1 bit whether a distance comes next.
 */
export const DROP = 31
export const RAW_SHIFT = 5
export const RAW = 511
export const TO_DISTANCE = 1 << 14

/** Entries below 0 need a closer look: they have one of these kinds. */
export const KIND = 7 << 29
export const END_OF_BLOCK = 4 << 29
/** A length whose extra bits lie beyond the index; 4 bits more say where they begin, then 3 bits how many they are. */
export const EXTRA = 5 << 29
export const EXTRA_AT_SHIFT = 15
export const EXTRA_AT = 15
export const EXTRA_BITS_SHIFT = 19
export const EXTRA_BITS = 7
/** A longer code: the rest of the entry is where the table for its other bits begins. */
export const LONGER = 6 << 29
export const LONGER_AT = (1 << 29) - 1
export const INVALID = 7 << 29

/** Bits that index a table; codes have at most 15. */
export const TABLE_BITS = 11
export const LONGER_BITS = 15 - TABLE_BITS
/** Where the table of distances begins, which has as many entries as that of literals and lengths at 0. */
export const DISTANCES = 1 << TABLE_BITS
