/** CRC-32's polynomial without its highest power; the highest bit is the coefficient of x^0. RFC 1952, section 8. */
const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000
/** x^(2^i) modulo the polynomial; they come again after 32 of them. */
const POWERS = squares()

/**
 * The CRC-32 of two byte strings one after the other.
 * @param a CRC-32 of the first one
 * @param b CRC-32 of the second one
 * @param sizeOfB bytes of the second one, below 2^53
 * @returns an unsigned 32-bit number. Source: zlib's `crc32_combine`
 */
export function combineCrc(a: number, b: number, sizeOfB: number): number {
  // Appending a byte multiplies by x^8, which is the power with number 3.
  let factor = ONE
  let power = 3
  for (let size = sizeOfB; size > 0; size = Math.floor(size / 2)) {
    if (size % 2 === 1) factor = multiply(POWERS[power & 31]!, factor)
    power++
  }
  return (multiply(factor, a) ^ b) >>> 0
}

/** The product of two polynomials over GF(2), modulo CRC-32's. */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL
  }
  return product
}

function squares(): number[] {
  const powers = [ONE >>> 1]
  for (let i = 1; i < 32; i++) powers.push(multiply(powers[i - 1]!, powers[i - 1]!))
  return powers
}
