/** Where a needle was met: its number, and the byte at which it starts. */
export interface NeedleHit {
  readonly needle: number
  readonly at: number
}

/** Any number of byte strings, looked for at once. */
export interface NeedleTable {
  /** The needles that start in `bytes` from `from` on and before `to`, and end in it; in no particular order. */
  search(bytes: Uint8Array, from: number, to: number): NeedleHit[]
}
