import { EXTRA, EXTRA_AT_SHIFT, INVALID, KIND, LONGER, LONGER_AT } from './deflate-entry.ts'

const LONGEST = 15
const REVERSED = Uint16Array.from({ length: 1 << LONGEST }, (_, code) => {
  let reversed = 0
  for (let bit = 0; bit < LONGEST; bit++) reversed |= ((code >> bit) & 1) << (LONGEST - 1 - bit)
  return reversed
})
const counts = new Int32Array(LONGEST + 1)
const nextCodes = new Int32Array(LONGEST + 1)

/** A table that codes are looked up in by the next bits of the input. */
export interface CodeTable {
  readonly entries: Int32Array
  /** Where in `entries` it begins, and how many bits index it. */
  readonly at: number
  readonly bits: number
  /** Where in `entries` the tables of longer codes begin. */
  readonly longer: number
}

/**
 * Fills a table with a canonical prefix code.
 * @param lengths bits of each symbol's code, 0 when it has none
 * @param symbols the entry of each symbol, but for the bits of its code
 * @returns where in `entries` the next tables of longer codes can begin; undefined when this is not a code that zlib takes.
 * Source: RFC 1951, section 3.2.2; zlib's inftrees.c for codes that are not complete.
 */
export function fillCode(table: CodeTable, lengths: Uint8Array, symbols: Int32Array): number | undefined {
  const { entries, at, bits } = table
  const size = 1 << bits
  entries.fill(INVALID, at, at + size)
  if (!countCodes(lengths)) return undefined
  let { longer } = table
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!
    if (length === 0) continue
    const code = REVERSED[nextCodes[length]!++]! >> (LONGEST - length)
    const entry = entryOf(symbols[symbol]!, length)
    if (length <= bits) for (let i = code; i < size; i += 1 << length) entries[at + i] = entry
    else longer = fillLonger(table, longer, code, length, entry)
  }
  return longer
}

function entryOf(symbol: number, length: number): number {
  if (symbol < 0 && (symbol & KIND) === INVALID) return INVALID
  return symbol + length + (symbol < 0 && (symbol & KIND) === EXTRA ? length << EXTRA_AT_SHIFT : 0)
}

/** Every longer code has a table of one size behind its first bits: they are rare, and few. */
function fillLonger({ entries, at, bits }: CodeTable, free: number, code: number, length: number, entry: number) {
  const size = 1 << (LONGEST - bits)
  const first = at + (code & ((1 << bits) - 1))
  const isNew = (entries[first]! & KIND) !== (LONGER & KIND)
  if (isNew) entries[first] = LONGER | free
  const table = entries[first]! & LONGER_AT
  for (let i = code >> bits; i < size; i += 1 << (length - bits)) entries[table + i] = entry
  return isNew ? free + size : free
}

/** Sets `nextCodes` to the first code of each length. */
function countCodes(lengths: Uint8Array): boolean {
  counts.fill(0)
  for (const length of lengths) counts[length]!++
  let code = 0
  let left = 1
  let longest = 0
  for (let length = 1; length <= LONGEST; length++) {
    nextCodes[length] = code
    code = (code + counts[length]!) << 1
    left = (left << 1) - counts[length]!
    if (left < 0) return false
    if (counts[length]! > 0) longest = length
  }
  // One code of one bit, or none: what encoders write when there is one distance, or none.
  return left === 0 || longest <= 1
}
