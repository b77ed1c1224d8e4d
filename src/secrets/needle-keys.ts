/** Bytes of a needle that decide whether it is looked at: the rarest in files that images have, as far as anybody knows. */
export interface NeedleKey {
  /** How many bytes of the needle are before it. */
  readonly before: number
  readonly bytes: Uint8Array
}

/** Bytes of a needle among which its key is chosen. */
const CHOICE = 64
/** How common a byte is: twice as common with each 1 more. */
const COMMON = Uint8Array.from({ length: 256 }, (_, byte) => commonness(String.fromCharCode(byte)))
/** For a byte that is as the one before it: lines of dashes, zeros. */
const AGAIN = 3

/** @param width bytes of the key; the needle has as many */
export function keyOf(needle: Uint8Array, width: number): NeedleKey {
  let least = Number.POSITIVE_INFINITY
  let before = 0
  for (let at = 0; at <= Math.min(needle.byteLength, CHOICE) - width; at++) {
    let common = 0
    for (let i = at; i < at + width; i++) {
      common += COMMON[needle[i]!]!
      if (i > at && needle[i] === needle[i - 1]) common += AGAIN
    }
    if (common >= least) continue
    least = common
    before = at
  }
  return { before, bytes: needle.subarray(before, before + width) }
}

function commonness(char: string): number {
  if (char === '\0') return 7
  if (/[ etaoinsr]/.test(char)) return 6
  if (/[a-z\n\xff]/.test(char)) return 5
  if (/[0-9_.,/"'=()*;:-]/.test(char)) return 4
  return /[A-Z\x01-\x08]/.test(char) ? 3 : 2
}
