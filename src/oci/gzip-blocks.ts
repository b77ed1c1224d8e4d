/** Bits of `GzipBlocks.flags`. */
export const FINAL = 1
export const STORED = 2
/** The first block of its deflate stream: nothing before it is referred to. */
export const FIRST = 4

/** Bytes of a file that share one of `GzipBlocks.checks`. */
export const CHECKED = 64 << 10

/** Where the deflate blocks of a gzip file are: all members', one after another. Source: RFC 1951, RFC 1952. */
export interface GzipBlocks {
  readonly count: number
  /** Byte of the raw data at which block i starts; one more at the end: the size of the raw data. */
  readonly raw: Float64Array
  /** Bit of the file at which the header of block i starts, counted as deflate does: least significant first. */
  readonly start: Float64Array
  /** The first bit after block i; before the next one there may be a trailer and a header. */
  readonly end: Float64Array
  readonly flags: Uint8Array
  /** CRC-32 of each `CHECKED` bytes of the file, the last of them shorter. */
  readonly checks: Uint32Array
}
