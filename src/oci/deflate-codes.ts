import {
  DISTANCES,
  DROP,
  END_OF_BLOCK,
  EXTRA,
  EXTRA_BITS_SHIFT,
  INVALID,
  KIND,
  LONGER_BITS,
  RAW_SHIFT,
  TABLE_BITS,
  withExtra,
} from './deflate-entry.ts'
import { fillCode } from './huffman-code.ts'

const LITERALS = { at: 0, bits: TABLE_BITS }
const DISTANCE = { at: DISTANCES, bits: TABLE_BITS }
const TABLES = 2 * DISTANCES
/** No more tables of longer codes than symbols: two share one at least, or a prefix of theirs would be free. */
const MOST_LONGER = ((288 + 32) / 2) << LONGER_BITS

const FIXED_LITERALS = new Uint8Array(288).fill(8).fill(9, 144, 256).fill(7, 256, 280)
const FIXED_DISTANCES = new Uint8Array(32).fill(5)

/** RFC 1951, section 3.2.5. */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const LITERAL_SYMBOLS = literalSymbols()
const DISTANCE_SYMBOLS = Int32Array.from({ length: 32 }, (_, i) => (i < 30 ? Math.max(0, (i >> 1) - 1) : INVALID))

/** The tables of one block's two codes, in the form that `skipSymbols` reads; used again for the next block. */
export class DeflateCodes {
  readonly entries = new Int32Array(TABLES + MOST_LONGER)
  #fixed = false

  /** Source: RFC 1951, section 3.2.6. */
  setFixed(): void {
    if (!this.#fixed) this.set(FIXED_LITERALS, FIXED_DISTANCES)
    this.#fixed = true
  }

  /**
   * @param literals bits of the codes of literals and lengths, at most 288
   * @param distances bits of the codes of distances, at most 32
   * @returns false when these are not codes
   */
  set(literals: Uint8Array, distances: Uint8Array): boolean {
    const { entries } = this
    this.#fixed = false
    const free = fillCode({ entries, ...LITERALS, longer: TABLES }, literals, LITERAL_SYMBOLS)
    if (free === undefined) return false
    this.#join()
    return fillCode({ entries, ...DISTANCE, longer: free }, distances, DISTANCE_SYMBOLS) !== undefined
  }

  /** Makes one entry of what the bits of the index hold whole: a length with its extra bits, a literal and what follows. */
  #join(): void {
    const { entries } = this
    for (let i = 0; i < DISTANCES; i++) {
      const entry = entries[i]!
      if (entry < 0) {
        if ((entry & KIND) === EXTRA && (entry & DROP) <= TABLE_BITS) entries[i] = withExtra(entry, i)
      } else if ((entry & DISTANCES) === 0) {
        // What follows stands at a lower index, or is this very entry: it has been joined.
        const next = entries[i >> (entry & DROP)]!
        if (next >= 0 && (entry & DROP) + (next & DROP) <= TABLE_BITS) entries[i] = entry + next
      }
    }
  }
}

function literalSymbols(): Int32Array {
  const symbols = new Int32Array(288).fill(1 << RAW_SHIFT, 0, 256).fill(INVALID, 286)
  symbols[256] = END_OF_BLOCK
  let length = 3
  LENGTH_EXTRA.forEach((extra, i) => {
    // The last one is 258 by itself, though the one before it reaches that, too.
    const base = i === LENGTH_EXTRA.length - 1 ? 258 : length
    symbols[257 + i] = (base << RAW_SHIFT) | DISTANCES | extra
    if (extra > 0) symbols[257 + i]! |= EXTRA | (extra << EXTRA_BITS_SHIFT)
    length += 1 << extra
  })
  return symbols
}
