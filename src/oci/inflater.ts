import { combineCrc } from './combine-crc.ts'
import { DeflateCodes, MOST_ENTRIES } from './deflate-codes.ts'
import { INFLATE } from './inflate-code.ts'
import { WasmProgram } from './wasm-program.ts'

/** What inflate.wat exports. */
interface Code {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly at: { readonly value: number }
  readonly bit: { readonly value: number }
  readonly out: { readonly value: number }
  inflate(byte: number, bit: number, last: number, out: number, full: number, begin: number): number
}

/** Why the code stopped, by what it gives. */
const STOPS = ['limit', 'full', 'end', 'invalid'] as const

/** Bytes of the input that are looked at together: more than a stored block or a usual header of gzip has. */
export const WINDOW = 256 << 10
/** Bytes after the window that may be read: zeros at the input's end, so that nothing need ask whether a bit is there. */
export const SLACK = 1 << 10
/** Bytes that can be read behind the last one at which the code begins a symbol. */
const AHEAD = 16
/** How far back raw data is referred to. */
const HISTORY = 32 << 10
const OUT_SIZE = 512 << 10

// Where that is in the code's memory, in which there is room for some hundred bytes behind the output; the tables are at 0.
const INPUT = 32 << 10
const OUT = INPUT + WINDOW + SLACK + HISTORY

const program = new WasmProgram<Code>(INFLATE)

/** Inflates blocks of deflate whose bits are put into `input`; gives what they hold in pieces of some hundred KiB. */
export class Inflater {
  readonly codes: DeflateCodes
  /** `WINDOW` bytes and `SLACK` more. */
  readonly input: Uint8Array
  /** Of `input`. */
  readonly view: DataView
  /** The next bit of `input`. */
  bit = 0
  readonly #code: Code
  readonly #memory: Uint8Array
  readonly #give: ((raw: Uint8Array) => number) | undefined
  /** Bytes that were given; where the next ones begin and end; the first one that may be referred to. */
  #given = 0
  #next = OUT
  #out = OUT
  #begin = OUT
  #crc = 0
  #before = 0

  /** @param give gets raw data, good until it returns, and gives the CRC-32 of it. Without it there are no CRCs */
  constructor(give?: (raw: Uint8Array) => number) {
    this.#code = program.start()
    const { buffer } = this.#code.memory
    this.#memory = new Uint8Array(buffer)
    this.input = new Uint8Array(buffer, INPUT, WINDOW + SLACK)
    this.view = new DataView(buffer, INPUT, WINDOW + SLACK)
    this.codes = new DeflateCodes(new Int32Array(buffer, 0, MOST_ENTRIES))
    this.#give = give
  }

  /** Whether `flush` gives CRCs. */
  get checks(): boolean {
    return this.#give !== undefined
  }

  /** Bytes of raw data so far. */
  get size(): number {
    return this.#given + this.#out - this.#next
  }

  /** Forgets all that came. */
  restart(): void {
    this.#given = 0
    this.#next = OUT
    this.#out = OUT
    this.bit = 0
  }

  /** What comes now refers to nothing before it. */
  begin(): void {
    this.#begin = this.#out
    this.#before = this.size
    this.#crc = 0
  }

  /**
   * Inflates the block whose codes are set, up to its end or until no symbol begins some bytes before byte `limit` of the
   * input, from where on `SLACK` bytes can be read.
   */
  symbols(limit: number): 'end' | 'limit' | 'invalid' {
    const { at, bit, out } = this.#code
    for (;;) {
      const from = INPUT + (this.bit >>> 3)
      const last = INPUT + limit - AHEAD
      const why = this.#code.inflate(from, this.bit & 7, last, this.#out, OUT + OUT_SIZE, this.#begin)
      this.bit = 8 * (at.value - INPUT) + bit.value
      this.#out = out.value
      const stop = STOPS[why]!
      if (stop !== 'full') return stop
      this.flush()
    }
  }

  /** Raw data of `size` bytes, at most 64 KiB, that is in the input as it is. */
  stored(at: number, size: number): void {
    if (this.#out + size > OUT + OUT_SIZE) this.flush()
    this.#memory.copyWithin(this.#out, INPUT + at, INPUT + at + size)
    this.#out += size
  }

  /** Gives all that was inflated. @returns CRC-32 of what came since `begin`, and how much that was */
  flush(): { readonly crc: number; readonly size: number } {
    const raw = this.#memory.subarray(this.#next, this.#out)
    if (this.#give !== undefined && raw.byteLength > 0) {
      this.#crc = combineCrc(this.#crc, this.#give(raw), raw.byteLength)
    }
    this.#given += raw.byteLength
    // What may be referred to stands before what comes next.
    const kept = Math.min(HISTORY, this.#out - this.#begin)
    this.#memory.copyWithin(OUT - kept, this.#out - kept, this.#out)
    this.#begin = OUT - kept
    this.#next = OUT
    this.#out = OUT
    return { crc: this.#crc, size: this.#given - this.#before }
  }
}
