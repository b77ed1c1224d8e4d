import {
  BASE_SHIFT,
  COUNT_SHIFT,
  DISTANCES,
  DROP,
  END_OF_BLOCK,
  INVALID,
  LITERAL_SHIFT,
  LONGER_BITS,
  MATCH,
  TABLE_BITS,
} from './deflate-entry.ts'
import { fillCode } from './huffman-code.ts'

const LITERALS = { at: 0, bits: TABLE_BITS }
const DISTANCE = { at: DISTANCES, bits: TABLE_BITS }
const TABLES = 2 * DISTANCES
/** No more tables of longer codes than symbols: two share one at least, or a prefix of theirs would be free. */
const MOST_LONGER = ((288 + 32) / 2) << LONGER_BITS
/** How many entries both codes' tables have at most. */
export const MOST_ENTRIES = TABLES + MOST_LONGER

const FIXED_LITERALS = new Uint8Array(288).fill(8).fill(9, 144, 256).fill(7, 256, 280)
const FIXED_DISTANCES = new Uint8Array(32).fill(5)
const FIRST_LITERAL = 0xff << LITERAL_SHIFT

/** RFC 1951, section 3.2.5. */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const LITERAL_SYMBOLS = literalSymbols()
const DISTANCE_SYMBOLS = distanceSymbols()

/** The tables of one block's two codes, in the form that inflate.wat reads; used again for the next block. */
export class DeflateCodes {
  readonly #entries: Int32Array
  #fixed = false

  /** @param entries `MOST_ENTRIES` of them */
  constructor(entries: Int32Array) {
    this.#entries = entries
  }

  /** Source: RFC 1951, section 3.2.6. */
  setFixed(): void {
    if (!this.#fixed) this.set(FIXED_LITERALS, FIXED_DISTANCES)
    this.#fixed = true
  }

  /** Others have set the entries. */
  forget(): void {
    this.#fixed = false
  }

  /**
   * @param literals bits of the codes of literals and lengths, at most 288
   * @param distances bits of the codes of distances, at most 32
   * @returns false when these are not codes
   */
  set(literals: Uint8Array, distances: Uint8Array): boolean {
    const entries = this.#entries
    this.#fixed = false
    const free = fillCode({ entries, ...LITERALS, longer: TABLES }, literals, LITERAL_SYMBOLS)
    if (free === undefined) return false
    this.#join()
    return fillCode({ entries, ...DISTANCE, longer: free }, distances, DISTANCE_SYMBOLS) !== undefined
  }

  /** Makes one entry of two literals that the bits of the index hold whole. */
  #join(): void {
    const entries = this.#entries
    // What follows a literal stands at a lower index, or is this very entry: it has not been joined yet.
    for (let i = DISTANCES - 1; i >= 0; i--) {
      const entry = entries[i]!
      if (entry < 0 || (entry & MATCH) !== 0) continue
      const next = entries[i >> (entry & DROP)]!
      if (next < 0 || (next & MATCH) !== 0 || (entry & DROP) + (next & DROP) > TABLE_BITS) continue
      entries[i] = entry + (next & DROP) + ((next & FIRST_LITERAL) << LITERAL_SHIFT) + (1 << COUNT_SHIFT)
    }
  }
}

function literalSymbols(): Int32Array {
  const symbols = Int32Array.from({ length: 288 }, (_, byte) => (1 << COUNT_SHIFT) | (byte << LITERAL_SHIFT))
  symbols[256] = END_OF_BLOCK
  let length = 3
  LENGTH_EXTRA.forEach((extra, i) => {
    // The last one is 258 by itself, though the one before it reaches that, too.
    const base = i === LENGTH_EXTRA.length - 1 ? 258 : length
    symbols[257 + i] = (base << BASE_SHIFT) | MATCH | extra
    length += 1 << extra
  })
  return symbols.fill(INVALID, 286)
}

function distanceSymbols(): Int32Array {
  let distance = 1
  const symbols = Int32Array.from({ length: 32 }, (_, i) => {
    const extra = Math.max(0, (i >> 1) - 1)
    const symbol = (distance << BASE_SHIFT) | MATCH | extra
    distance += 1 << extra
    return symbol
  })
  return symbols.fill(INVALID, 30)
}
