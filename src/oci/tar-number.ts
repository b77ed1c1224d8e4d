/**
 * A numeric field of a tar header: octal digits between spaces and NULs, or base-256 when its first bit is set (GNU,
 * star). An empty field is 0. Above 2^53 the result is rounded: callers that need it exact ask Number.isSafeInteger.
 * Returns undefined for what is no number, and for base-256 beyond 64 bits.
 * Source: POSIX ustar; GNU tar manual, "Basic Tar Format"; read as Go's archive/tar does, which cuts at the first NUL.
 */
export function readNumber(block: Uint8Array, offset: number, length: number): number | undefined {
  return block[offset]! & 0x80 ? readBase256(block, offset, length) : readOctal(block, offset, length)
}

/** A field that may only be octal: the checksum. */
export function readOctal(block: Uint8Array, offset: number, length: number): number | undefined {
  let at = offset
  let end = offset + length
  while (at < end && isBlank(block[at]!)) at++
  while (end > at && isBlank(block[end - 1]!)) end--
  let value = 0
  for (; at < end; at++) {
    const digit = block[at]! - 0x30
    if (digit >= 0 && digit <= 7) value = value * 8 + digit
    else return block[at] === 0 ? value : undefined
  }
  return value
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0
}

function readBase256(block: Uint8Array, offset: number, length: number): number | undefined {
  const hex = Buffer.from(block.subarray(offset, offset + length)).toString('hex')
  // The first bit only marks the encoding, so the sign is the second one.
  const value = BigInt.asIntN(8 * length - 1, BigInt(`0x${hex}`))
  return value === BigInt.asIntN(64, value) ? Number(value) : undefined
}

/** The largest number that `writeOctal` can write into a field of `length` bytes. */
export function octalLimit(length: number): number {
  return 8 ** (length - 1) - 1
}

/** Writes a number as zero-padded octal digits and a NUL, `length` bytes in all. It must be in 0..octalLimit(length). */
export function writeOctal(block: Uint8Array, offset: number, length: number, value: number): void {
  let rest = value
  let at = offset + length - 2
  // Shifting is faster, and needs 31 bits.
  for (; rest > 0x7fffffff && at >= offset; at--) {
    const next = Math.floor(rest / 8)
    block[at] = 0x30 + rest - next * 8
    rest = next
  }
  for (; at >= offset; at--) {
    block[at] = 0x30 + (rest & 7)
    rest >>= 3
  }
  block[offset + length - 1] = 0
}

const DECIMAL = /^[+-]?[0-9]+$/

/** A decimal number as PAX records and sparse maps have it, or undefined for anything else or beyond 2^53. */
export function readDecimal(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value + 0 : undefined
}
