import type { NeedleHit, NeedleTable } from './needle-table.ts'

/** Bytes that are looked at together: what one look costs does not depend on the number of needles. */
const BLOCK = 2
const BLOCKS = 1 << (8 * BLOCK)

/**
 * Looks for needles where there is no native code: about 0.4 ms for a megabyte when the shortest has 16 bytes, 2 ms with
 * 4 bytes. What cannot be the end of a needle's first bytes is skipped, by as much as the shortest needle allows.
 * Source: S. Wu, U. Manber, "A fast algorithm for multi-pattern searching", TR-94-17, University of Arizona, 1994.
 */
export class SkipTable implements NeedleTable {
  readonly #needles: readonly Uint8Array[]
  /** Bytes of the shortest needle: of every needle so many decide where to look. */
  readonly #width: number
  /** By the two bytes at the end of a window: how far it can move without missing anything. */
  readonly #shift = new Uint8Array(BLOCKS)
  /** By the same: the needles whose first `#width` bytes end so. */
  readonly #ending = new Map<number, number[]>()
  /** @param needles of two bytes or more */
  constructor(needles: readonly Uint8Array[]) {
    this.#needles = needles
    const sizes = needles.map((needle) => needle.byteLength)
    this.#width = Math.min(256, ...sizes)
    this.#shift.fill(this.#width - BLOCK + 1)
    for (const [number, needle] of needles.entries()) this.#add(needle, number)
  }

  search(bytes: Uint8Array, from: number, to: number): NeedleHit[] {
    const hits: NeedleHit[] = []
    if (this.#needles.length === 0) return hits
    const before = this.#width - 1
    const end = Math.min(to + before, bytes.byteLength)
    const shift = this.#shift
    for (let at = from + before; at < end; ) {
      const block = bytes[at - 1]! | (bytes[at]! << 8)
      const step = shift[block]!
      at += step
      if (step > 0) continue
      this.#verify(bytes, at - before, block, hits)
      at++
    }
    return hits
  }

  #verify(bytes: Uint8Array, at: number, block: number, hits: NeedleHit[]): void {
    for (const number of this.#ending.get(block) ?? []) {
      if (startsWith(bytes, at, this.#needles[number]!)) hits.push({ needle: number, at })
    }
  }

  #add(needle: Uint8Array, number: number): void {
    const last = this.#width - BLOCK
    for (let at = 0; at <= last; at++) {
      const block = needle[at]! | (needle[at + 1]! << 8)
      this.#shift[block] = Math.min(this.#shift[block]!, last - at)
    }
    const ending = needle[last]! | (needle[last + 1]! << 8)
    this.#ending.set(ending, [...(this.#ending.get(ending) ?? []), number])
  }
}

function startsWith(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  if (at + needle.byteLength > bytes.byteLength) return false
  for (let i = 0; i < needle.byteLength; i++) if (bytes[at + i] !== needle[i]) return false
  return true
}
