import { CODE_SHIFT, INVALID, KIND, LONGER, LONGER_AT, MATCH } from './deflate-entry.ts'

const LONGEST = 15
// Pure, so that it is left out of programs that only name what is here: it takes 3 ms to make.
const REVERSED = /* @__PURE__ */ Uint16Array.from({ length: 1 << LONGEST }, (_, code) => {
  let reversed = 0
  for (let bit = 0; bit < LONGEST; bit++) reversed |= ((code >> bit) & 1) << (LONGEST - 1 - bit)
  return reversed
})
/** How many symbols have a code of each length; where in `sorted` they end. */
const counts = new Int32Array(LONGEST + 1)
const ends = new Int32Array(LONGEST + 1)
/** Symbols in the order of their codes. */
const sorted = new Uint16Array(288)

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
 * @param lengths bits of each symbol's code, 0 when it has none; at most 288
 * @param symbols the entry of each symbol, but for the bits of its code
 * @returns where in `entries` the next tables of longer codes can begin; undefined when this is not a code that zlib takes.
 * Source: RFC 1951, section 3.2.2; zlib's inftrees.c for codes that are not complete.
 */
export function fillCode(table: CodeTable, lengths: Uint8Array, symbols: Int32Array): number | undefined {
  const { entries, at, bits } = table
  if (!sortSymbols(lengths)) return undefined
  let { longer } = table
  let code = 0
  let next = 0
  entries[at] = INVALID
  for (let length = 1; length <= LONGEST; length++) {
    // Each code of the length before stands for two indexes of this one.
    if (length <= bits) entries.copyWithin(at + (1 << (length - 1)), at, at + (1 << (length - 1)))
    for (; next < ends[length]!; next++) {
      const index = REVERSED[code++]! >> (LONGEST - length)
      const entry = entryOf(symbols[sorted[next]!]!, length)
      if (length <= bits) entries[at + index] = entry
      else longer = fillLonger(table, longer, index, length, entry)
    }
    code <<= 1
  }
  return longer
}

function entryOf(symbol: number, length: number): number {
  return symbol + length + ((symbol & MATCH) === 0 ? 0 : length << CODE_SHIFT)
}

/** Every longer code has a table of one size behind its first bits: they are rare, and few. */
function fillLonger({ entries, at, bits }: CodeTable, free: number, index: number, length: number, entry: number) {
  const size = 1 << (LONGEST - bits)
  const first = at + (index & ((1 << bits) - 1))
  const isNew = (entries[first]! & KIND) !== LONGER
  if (isNew) entries[first] = LONGER | free
  const table = entries[first]! & LONGER_AT
  for (let i = index >> bits; i < size; i += 1 << (length - bits)) entries[table + i] = entry
  return isNew ? free + size : free
}

/** Sets `sorted` and `ends`; false when there is no such code. */
function sortSymbols(lengths: Uint8Array): boolean {
  counts.fill(0)
  for (let symbol = 0; symbol < lengths.length; symbol++) counts[lengths[symbol]!]!++
  let left = 1
  let longest = 0
  ends[0] = 0
  for (let length = 1; length <= LONGEST; length++) {
    const count = counts[length]!
    left = (left << 1) - count
    if (left < 0) return false
    if (count > 0) longest = length
    // Where they begin, until they are in their places.
    ends[length] = length === 1 ? 0 : ends[length - 1]! + counts[length - 1]!
  }
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!
    if (length > 0) sorted[ends[length]!++] = symbol
  }
  // One code of one bit, or none: what encoders write when there is one distance, or none.
  return left === 0 || longest <= 1
}
