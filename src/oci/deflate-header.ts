import type { DeflateCodes } from './deflate-codes.ts'
import { DROP } from './deflate-entry.ts'
import { fillCode } from './huffman-code.ts'

/** RFC 1951, section 3.2.7: a header is no longer than this, in bytes. */
export const MOST_HEADER = 600
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const LENGTH_BITS = 7
const SYMBOL_SHIFT = 8
const SYMBOLS = Int32Array.from({ length: 19 }, (_, symbol) => symbol << SYMBOL_SHIFT)
/** Of the symbols that repeat: bits that say how often, and how often at least. */
const REPEAT_BITS = [2, 3, 7]
const REPEAT_LEAST = [3, 3, 11]

const lengthEntries = new Int32Array(1 << LENGTH_BITS)
const lengths = new Uint8Array(286 + 30)

/**
 * Reads the codes of a block with codes of its own into `codes`.
 * @param bit the first one after the block's three bits of header; `MOST_HEADER` bytes from there on can be read
 * @returns the bit after them, or undefined when they are not codes. Source: RFC 1951, section 3.2.7; zlib's inflate.c
 */
export function readCodes(view: DataView, bit: number, codes: DeflateCodes): number | undefined {
  const counts = bitsAt(view, bit)
  const literals = 257 + (counts & 31)
  const distances = 1 + ((counts >> 5) & 31)
  const orders = 4 + ((counts >> 10) & 15)
  if (literals > 286 || distances > 30) return undefined
  const lengthCodes = new Uint8Array(19)
  for (let i = 0; i < orders; i++) lengthCodes[ORDER[i]!] = bitsAt(view, bit + 14 + 3 * i) & 7
  const table = { entries: lengthEntries, at: 0, bits: LENGTH_BITS, longer: 0 }
  if (fillCode(table, lengthCodes, SYMBOLS) === undefined) return undefined
  const end = readLengths(view, bit + 14 + 3 * orders, literals + distances)
  // Without a code for its end, no block ends.
  if (end === undefined || lengths[256] === 0) return undefined
  const known = codes.set(lengths.subarray(0, literals), lengths.subarray(literals, literals + distances))
  return known ? end : undefined
}

/** Sets `lengths`; gives the bit after them. */
function readLengths(view: DataView, start: number, count: number): number | undefined {
  let bit = start
  for (let i = 0; i < count; ) {
    const word = bitsAt(view, bit)
    const entry = lengthEntries[word & ((1 << LENGTH_BITS) - 1)]!
    if (entry < 0) return undefined
    const codeBits = entry & DROP
    const symbol = entry >> SYMBOL_SHIFT
    bit += codeBits
    if (symbol < 16) {
      lengths[i++] = symbol
      continue
    }
    const extra = REPEAT_BITS[symbol - 16]!
    const repeat = REPEAT_LEAST[symbol - 16]! + ((word >>> codeBits) & ((1 << extra) - 1))
    if (i + repeat > count || (symbol === 16 && i === 0)) return undefined
    const length = symbol === 16 ? lengths[i - 1]! : 0
    // Too few for `fill` to be worth its call.
    for (const end = i + repeat; i < end; i++) lengths[i] = length
    bit += extra
  }
  return bit
}

/** The bits from `bit` on, 25 of them at least. */
function bitsAt(view: DataView, bit: number): number {
  return view.getInt32(bit >>> 3, true) >>> (bit & 7)
}
