/** Deflates, at level 6 of libdeflate: the same bytes whichever does it. */
export interface Compressor {
  /**
   * What `raw` is deflated to, in memory that is used again by the next call; before it there is room for `before` bytes,
   * behind it for `behind`.
   * @throws RangeError where there is no memory for it
   */
  deflate(raw: Uint8Array, before: number, behind: number): Uint8Array
  /**
   * Has what was deflated last go on: see `open` in deflate.c.
   * @returns how many bytes it is then; 0, and nothing is changed, where that cannot be said
   */
  open(raw: Uint8Array, deflated: Uint8Array): number
}

/** No piece is nearly as large. */
const MOST = 1 << 30

/** Bytes of what is to be deflated. @throws RangeError for more than anybody deflates at once */
export function sizeOf({ byteLength }: Uint8Array): number {
  if (byteLength > MOST) throw new RangeError(`${byteLength} bytes are too many to be deflated at once`)
  return byteLength
}
