import { Random } from './random-tree.ts'

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const END = 256
const PREFIX = 40_000

/** Where a block is in a stream, in bits, and where its raw data ends. */
export interface WrittenBlock {
  readonly start: number
  readonly end: number
  readonly raw: number
}

/** A deflate stream with blocks that no encoder would choose: random codes of all lengths, random matches. */
export function randomDeflate(random: Random): { stream: Buffer; blocks: WrittenBlock[] } {
  const writer = new DeflateWriter(random)
  writer.stored(PREFIX)
  const count = 1 + random.below(4)
  for (let i = 1; i <= count; i++) writer.dynamic(i === count)
  return { stream: Buffer.from(writer.bytes), blocks: writer.blocks }
}

/** A stream of one block: a zero, `matches` times 258 more, in four of which a byte is. */
export function zerosOfOneBlock(matches: number): Buffer {
  const [literals, distances] = [Array<number>(286).fill(0), Array<number>(30).fill(0)]
  literals[0] = literals[END] = 2
  literals[285] = distances[0] = 1
  const writer = new DeflateWriter(new Random(0))
  writer.codes(true, literals, distances)
  // The codes: 10 for the zero, then 0 and 0 for each match, 11 at the end. The header has two bits more than whole bytes.
  const start = Buffer.from(writer.bytes)
  start[start.length - 1]! |= 1 << 2
  return Buffer.concat([start, Buffer.alloc((matches - 2) / 4), Buffer.from([3])])
}

/** RFC 1951, section 3.2. */
class DeflateWriter {
  readonly bytes: number[] = []
  readonly blocks: WrittenBlock[] = []
  readonly #random: Random
  #bit = 0
  #raw = 0

  constructor(random: Random) {
    this.#random = random
  }

  stored(size: number): void {
    const start = this.#bit
    this.#bits(0, 3)
    while (this.#bit % 8 !== 0) this.#bits(0, 1)
    this.#bits(size, 16)
    this.#bits(size ^ 0xffff, 16)
    for (let i = 0; i < size; i++) this.#bits(this.#random.below(256), 8)
    this.#raw += size
    this.blocks.push({ start, end: this.#bit, raw: this.#raw })
  }

  dynamic(isFinal: boolean): void {
    const start = this.#bit
    const literals = randomLengths(this.#random, 286, END)
    const distances = randomLengths(this.#random, 30, this.#random.below(30))
    this.codes(isFinal, literals, distances)
    this.#symbols(new Code(literals), new Code(distances))
    this.blocks.push({ start, end: this.#bit, raw: this.#raw })
  }

  /** A header with each length by itself, all 16 of them with a code of four bits. */
  codes(isFinal: boolean, literals: readonly number[], distances: readonly number[]): void {
    this.#bits(isFinal ? 1 : 0, 1)
    this.#bits(2, 2)
    this.#bits(29, 5)
    this.#bits(29, 5)
    this.#bits(15, 4)
    for (const symbol of ORDER) this.#bits(symbol < 16 ? 4 : 0, 3)
    const code = new Code(Array(16).fill(4))
    for (const length of [...literals, ...distances]) this.#code(code, length)
  }

  #symbols(literals: Code, distances: Code): void {
    const random = this.#random
    for (let left = random.below(3000); left > 0; left--) {
      const symbol = random.pick(literals.symbols)
      if (symbol === END) continue
      this.#code(literals, symbol)
      if (symbol < END) this.#raw++
      else {
        this.#length(symbol - 257)
        const distance = random.pick(distances.symbols)
        this.#code(distances, distance)
        const extra = Math.max(0, (distance >> 1) - 1)
        this.#bits(random.below(1 << extra), extra)
      }
    }
    this.#code(literals, END)
  }

  /** Section 3.2.5: four lengths, or four times as many, share a number of extra bits from the eighth symbol on. */
  #length(index: number): void {
    const extra = index < 8 || index === 28 ? 0 : (index >> 2) - 1
    const base = index < 8 ? index : index === 28 ? 255 : (4 + (index & 3)) << extra
    const value = this.#random.below(1 << extra)
    this.#bits(value, extra)
    this.#raw += 3 + base + value
  }

  #code(code: Code, symbol: number): void {
    const length = code.lengths[symbol]!
    for (let bit = length - 1; bit >= 0; bit--) this.#bits((code.codes[symbol]! >> bit) & 1, 1)
  }

  #bits(value: number, count: number): void {
    for (let i = 0; i < count; i++) {
      if (this.#bit % 8 === 0) this.bytes.push(0)
      this.bytes[this.bytes.length - 1]! |= ((value >> i) & 1) << (this.#bit % 8)
      this.#bit++
    }
  }
}

/** Section 3.2.2. */
class Code {
  readonly codes: number[] = []
  readonly symbols: number[] = []
  readonly lengths: readonly number[]

  constructor(lengths: readonly number[]) {
    this.lengths = lengths
    let code = 0
    for (let length = 1; length <= 15; length++) {
      code <<= 1
      lengths.forEach((of, symbol) => {
        if (of === length) this.codes[symbol] = code++
      })
    }
    lengths.forEach((length, symbol) => {
      if (length > 0) this.symbols.push(symbol)
    })
  }
}

/** Lengths of a complete code for some of `count` symbols, `needed` among them: the leaves of a random tree. */
function randomLengths(random: Random, count: number, needed: number): number[] {
  const leaves = [1, 1]
  const wanted = 2 + random.below(count - 1)
  const isDeep = random.chance(2)
  while (leaves.length < wanted) {
    const at = isDeep && random.below(4) > 0 ? leaves.length - 1 : random.below(leaves.length)
    if (leaves[at]! === 15) {
      if (leaves.every((leaf) => leaf === 15)) break
      leaves.unshift(leaves.splice(at, 1)[0]!)
      continue
    }
    leaves[at]!++
    leaves.push(leaves[at]!)
  }
  const symbols = new Set([needed])
  while (symbols.size < leaves.length) symbols.add(random.below(count))
  const lengths = Array<number>(count).fill(0)
  for (const symbol of symbols) lengths[symbol] = leaves.splice(random.below(leaves.length), 1)[0]!
  return lengths
}
