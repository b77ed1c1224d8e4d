import { DeflateCodes } from './deflate-codes.ts'
import { MOST_HEADER, readCodes } from './deflate-header.ts'
import { FileChecks } from './file-checks.ts'
import { FINAL, FIRST, type GzipBlocks, STORED } from './gzip-blocks.ts'
import { gzipHeaderSize } from './gzip-header.ts'
import { skipSymbols } from './skip-symbols.ts'

/** Bytes of the file that are looked at together: more than a stored block or a usual header of gzip has. */
const WINDOW = 256 << 10
/** Zeros after the file's end, so that nothing need ask for each bit whether there is one. */
const SLACK = 1 << 10
const TRAILER = 8
/** What describes a block takes 25 bytes: nobody makes so many that this is too little, but to do harm. */
const MOST_BLOCKS = 1 << 18

/** What comes next in the file. */
type Stage = 'member' | 'block' | 'symbols' | 'trailer' | 'padding' | 'damaged'

/**
 * Finds the blocks of a gzip file without inflating it: codes are read, and what they stand for is counted.
 * Source: RFC 1951, RFC 1952.
 */
export class GzipBlockScanner {
  readonly #window: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** Bytes of the file in `#bytes`, and where in the file they begin. */
  #filled = 0
  #origin = 0
  #ended = false
  #stage: Stage = 'member'
  /** The next bit of `#bytes`, and what it goes on with. */
  readonly #place = { bit: 0, raw: 0, table: 0 }
  /** Bytes of raw data up to there. */
  #size = 0
  readonly #codes = new DeflateCodes()
  readonly #checks = new FileChecks()
  /** Columns as in `GzipBlocks`; `#raw` and `#end` know of a block when it has ended. */
  readonly #raw = [0]
  readonly #start: number[] = []
  readonly #end: number[] = []
  readonly #flags: number[] = []
  #isFirst = false

  /** @param size of the file at most, when that is known: a small one needs less memory */
  constructor(size = WINDOW) {
    this.#window = Math.min(size, WINDOW)
    this.#bytes = new Uint8Array(this.#window + SLACK)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** The file's next bytes, of any number; they are not needed after the call. */
  push(chunk: Uint8Array): void {
    this.#checks.push(chunk)
    for (let at = 0; at < chunk.byteLength && this.#stage !== 'damaged' && this.#stage !== 'padding'; ) {
      const part = chunk.subarray(at, at + this.#window - this.#filled)
      this.#bytes.set(part, this.#filled)
      this.#filled += part.byteLength
      at += part.byteLength
      if (this.#filled === this.#window) this.#scan()
    }
  }

  /** The blocks, after the file's last byte; undefined when it is no gzip file, is cut short or damaged. */
  end(): GzipBlocks | undefined {
    this.#ended = true
    this.#bytes.fill(0, this.#filled, this.#filled + SLACK)
    this.#scan()
    if (this.#stage !== 'padding') return undefined
    return {
      count: this.#start.length,
      raw: Float64Array.from(this.#raw),
      start: Float64Array.from(this.#start),
      end: Float64Array.from(this.#end),
      flags: Uint8Array.from(this.#flags),
      checks: this.#checks.end(),
    }
  }

  /** Goes as far as the bytes that are there reach, and drops those that it is done with. */
  #scan(): void {
    while (this.#step()) {
      if (this.#place.bit > 8 * this.#filled) this.#stage = 'damaged'
    }
    const done = this.#place.bit >>> 3
    // A header of gzip that is as long as this is no file's name.
    if (this.#ended || (done === 0 && this.#stage !== 'padding')) {
      if (this.#stage !== 'padding') this.#stage = 'damaged'
      return
    }
    this.#bytes.copyWithin(0, done, this.#filled)
    this.#filled -= done
    this.#origin += done
    this.#place.bit &= 7
  }

  /** Takes one step; false when it needs more bytes, or nothing follows. */
  #step(): boolean {
    switch (this.#stage) {
      case 'member':
        return this.#member()
      case 'block':
        return this.#block()
      case 'symbols':
        return this.#symbols()
      case 'trailer':
        return this.#trailer()
      default:
        return false
    }
  }

  #member(): boolean {
    const at = this.#place.bit >>> 3
    const size = gzipHeaderSize(this.#bytes.subarray(at, this.#filled))
    if (size === 'more') {
      if (this.#ended && at === this.#filled && this.#start.length > 0) this.#stage = 'padding'
      return false
    }
    if (size === undefined) return this.#to(this.#start.length > 0 ? 'padding' : 'damaged')
    this.#place.bit += 8 * size
    this.#isFirst = true
    return this.#to('block')
  }

  #block(): boolean {
    const { bit } = this.#place
    if (!this.#has(MOST_HEADER)) return false
    const header = (this.#bytes[bit >>> 3]! | (this.#bytes[(bit >>> 3) + 1]! << 8)) >> (bit & 7)
    const type = (header >> 1) & 3
    if (this.#start.length === MOST_BLOCKS || type === 3) return this.#to('damaged')
    const flags = (header & 1 ? FINAL : 0) | (this.#isFirst ? FIRST : 0)
    if (type === 0) return this.#stored(flags | STORED)
    const after = type === 2 ? readCodes(this.#view, bit + 3, this.#codes) : this.#fixed(bit + 3)
    if (after === undefined) return this.#to('damaged')
    this.#begin(flags)
    this.#place.bit = after
    return this.#to('symbols')
  }

  #fixed(bit: number): number {
    this.#codes.setFixed()
    return bit
  }

  #stored(flags: number): boolean {
    const at = (this.#place.bit + 3 + 7) >>> 3
    const size = this.#view.getUint16(at, true)
    if ((size ^ this.#view.getUint16(at + 2, true)) !== 0xffff) return this.#to('damaged')
    const end = at + 4 + size
    if (end > this.#filled) return this.#ended && this.#to('damaged')
    this.#begin(flags)
    this.#place.bit = 8 * end
    this.#size += size
    return this.#finish()
  }

  #symbols(): boolean {
    // At the end, far enough that a last symbol's last bits are looked at.
    const limit = this.#ended ? this.#filled + 16 : this.#filled
    this.#place.raw = 0
    const stop = skipSymbols(this.#view, this.#codes.entries, this.#place, limit)
    this.#size += this.#place.raw
    if (stop === 'invalid') return this.#to('damaged')
    return stop === 'end' && this.#finish()
  }

  #trailer(): boolean {
    const at = (this.#place.bit + 7) >>> 3
    if (!this.#has(TRAILER + 1)) return false
    this.#place.bit = 8 * (at + TRAILER)
    return this.#to('member')
  }

  #begin(flags: number): void {
    this.#start.push(this.#position())
    this.#flags.push(flags)
    this.#isFirst = false
  }

  #finish(): boolean {
    this.#end.push(this.#position())
    this.#raw.push(this.#size)
    return this.#to((this.#flags.at(-1)! & FINAL) === 0 ? 'block' : 'trailer')
  }

  /** The next bit of the file. */
  #position(): number {
    return 8 * this.#origin + this.#place.bit
  }

  #has(size: number): boolean {
    return this.#ended || (this.#place.bit >>> 3) + size <= this.#filled
  }

  #to(stage: Stage): true {
    this.#stage = stage
    return true
  }
}
