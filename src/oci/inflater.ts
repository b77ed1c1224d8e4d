import { BLOCK_TABLES, type BlockInflater, STOPS } from './block-inflater.ts'
import { combineCrc } from './combine-crc.ts'
import { NativeBlockInflater } from './native-block-inflater.ts'
import { nativeCode } from './native-code.ts'
import { WasmBlockInflater } from './wasm-block-inflater.ts'

/** Bytes of the input that are looked at together: more than a stored block or a usual header of gzip has. */
export const WINDOW = 256 << 10
/** Bytes after the window that may be read: zeros at the input's end, so that nothing need ask whether a bit is there. */
export const SLACK = 1 << 10
/** Bytes that can be read behind the last one at which the code begins a symbol. */
const AHEAD = 16
/** How far back raw data is referred to. */
const HISTORY = 32 << 10
const OUT_SIZE = 512 << 10

// Where that is in the memory, in which there is room for some hundred bytes behind the output.
const INPUT = BLOCK_TABLES
const OUT = INPUT + WINDOW + SLACK + HISTORY

/** Inflates blocks of deflate whose bits are put into `input`; gives what they hold in pieces of some hundred KiB. */
export class Inflater {
  /** `WINDOW` bytes and `SLACK` more. */
  readonly input: Uint8Array
  /** Of `input`. */
  readonly view: DataView
  /** The next bit of `input`. */
  bit = 0
  readonly #blocks: BlockInflater
  readonly #memory: Uint8Array
  readonly #give: ((raw: Uint8Array) => number) | undefined
  /** Bytes that were given; where the next ones begin and end; the first one that may be referred to. */
  #given = 0
  #next = OUT
  #out = OUT
  #begin = OUT
  #crc = 0
  #before = 0

  /**
   * @param give gets raw data, good until it returns, and gives the CRC-32 of it. Without it there are no CRCs
   * @param blocks nobody else's
   */
  constructor(give?: (raw: Uint8Array) => number, blocks = fastestBlockInflater()) {
    this.#blocks = blocks
    const { memory } = blocks
    this.#memory = new Uint8Array(memory)
    this.input = new Uint8Array(memory, INPUT, WINDOW + SLACK)
    this.view = new DataView(memory, INPUT, WINDOW + SLACK)
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

  /** The codes of the block that comes are the fixed ones. */
  setFixed(): void {
    this.#blocks.setFixed()
  }

  /**
   * Reads the codes of a block that has its own.
   * @param bit of the input: the first one after the block's three bits of header
   * @returns the bit after them, or undefined when they are not codes
   */
  readCodes(bit: number): number | undefined {
    const after = this.#blocks.readCodes(8 * INPUT + bit)
    return after && after - 8 * INPUT
  }

  /**
   * Inflates the block whose codes are set, up to its end or until no symbol begins some bytes before byte `limit` of the
   * input, from where on `SLACK` bytes can be read.
   */
  symbols(limit: number): 'end' | 'limit' | 'invalid' {
    const blocks = this.#blocks
    for (;;) {
      const from = INPUT + (this.bit >>> 3)
      const last = INPUT + limit - AHEAD
      const why = blocks.inflate(from, this.bit & 7, last, this.#out, OUT + OUT_SIZE, this.#begin)
      this.bit = 8 * (blocks.byte - INPUT) + blocks.bit
      this.#out = blocks.out
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

function fastestBlockInflater(): BlockInflater {
  const code = nativeCode()
  return code === undefined ? new WasmBlockInflater() : new NativeBlockInflater(code)
}
