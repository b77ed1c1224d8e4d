import { OcibakeError } from '../errors.ts'

/** Data may expand to this many bytes whatever the ratio. */
export const EXPANSION_FREE = 2 ** 30
/** Beyond `EXPANSION_FREE`, output may be this many times the input. Deflate itself cannot exceed 1032. */
export const EXPANSION_RATIO = 1000

/** Whether `to` bytes that came of `from` are so many that somebody must want to fill the disk. */
export function isBomb(from: number, to: number): boolean {
  return to > EXPANSION_FREE && to > from * EXPANSION_RATIO
}

/** @throws ARCHIVE_UNSAFE when it is a bomb, naming it `what` */
export function checkExpansion(what: string, from: number, to: number): void {
  if (!isBomb(from, to)) return
  throw new OcibakeError(
    'ARCHIVE_UNSAFE',
    `${what} expands to more than ${to} bytes from ${from}; at most ${EXPANSION_RATIO} times its size is accepted above ${EXPANSION_FREE} bytes.`,
    { hint: 'If it is meant to be so, give it uncompressed.' },
  )
}
