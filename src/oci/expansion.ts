/** Data may expand to this many bytes whatever the ratio. */
export const EXPANSION_FREE = 2 ** 30
/** Beyond `EXPANSION_FREE`, output may be this many times the input. Deflate itself cannot exceed 1032. */
export const EXPANSION_RATIO = 1000

/** Whether `to` bytes that came of `from` are so many that somebody must want to fill the disk. */
export function isBomb(from: number, to: number): boolean {
  return to > EXPANSION_FREE && to > from * EXPANSION_RATIO
}
