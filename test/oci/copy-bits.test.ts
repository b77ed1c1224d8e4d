import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyBitsHere } from '../../src/oci/copy-bits.ts'
import { nativeCode } from '../../src/oci/native-code.ts'
import { noise } from '../support/gzip-samples.ts'
import { Random } from '../support/random-tree.ts'

const native = nativeCode()!
const ways = [
  ['native code', native.copyBits],
  ['the native code of every processor', native.plain.copyBits],
  ['JavaScript', copyBitsHere],
] as const

const random = new Random(8)
const SIZE = 200
const bytes = noise(random, SIZE)
const old = noise(random, SIZE)

const bitOf = (from: Uint8Array, bit: number) => (from[bit >> 3]! >> (bit & 7)) & 1

/** What is wanted, bit by bit. */
function copied(from: number, count: number, to: number): Buffer {
  const into = Buffer.from(old)
  const end = to + count
  for (let bit = to; bit < Math.ceil(end / 8) * 8; bit++) {
    const value = bit < end ? bitOf(bytes, from + bit - to) : 0
    into[bit >> 3]! &= ~(1 << (bit & 7))
    into[bit >> 3]! |= value << (bit & 7)
  }
  return into
}

/** Where bits begin, how many they are, and where they go: all of them are in both. */
const places = fc
  .tuple(fc.nat(8 * SIZE - 1), fc.nat(8 * SIZE - 1), fc.nat(8 * SIZE))
  .map(([from, to, count]) => ({ from, to, count: Math.max(1, Math.min(count, 8 * SIZE - Math.max(from, to))) }))

describe.each(ways)('copying bits by %s', (_, copyBits) => {
  it('copies just those, and makes what is behind them in their last byte 0', () => {
    fc.assert(
      fc.property(places, ({ from, to, count }) => {
        const into = Buffer.from(old)
        copyBits(bytes, from, count, into, to)
        expect(into.equals(copied(from, count, to))).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

it.each([
  [0, 0, 0],
  [0, 8 * SIZE + 1, 0],
  [1, 8 * SIZE, 0],
  [0, 8 * SIZE, 1],
  [8 * SIZE, 1, 0],
  [0, 1, 8 * SIZE],
  [2 ** 52, 1, 0],
  [-1, 1, 0],
])('native code refuses bits that are not there: from %i, %i of them, to %i', (from, count, to) => {
  const into = Buffer.from(old)
  expect(() => native.copyBits(bytes, from, count, into, to)).toThrow(RangeError)
  expect(into.equals(old)).toBe(true)
})
