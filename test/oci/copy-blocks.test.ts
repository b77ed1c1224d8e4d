import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyBits } from '../../src/oci/copy-bits.ts'
import { copiedSize, copyBlocks } from '../../src/oci/copy-blocks.ts'
import { GzipReader } from '../../src/oci/gzip-reader.ts'
import { inflateBlocks, partOf, RAW, SAMPLES } from '../support/gzip-samples.ts'

const samples = SAMPLES.map(([name, file]) => {
  const scanner = new GzipReader()
  scanner.push(file)
  return { name, file, blocks: scanner.end()! }
})
/** A sample and two of its blocks, the second not before the first. */
const range = fc
  .constantFrom(...samples)
  .chain((sample) => {
    const block = fc.nat(sample.blocks.count - 1)
    return fc.tuple(fc.constant(sample), block, block)
  })
  .map(([sample, a, b]) => ({ ...sample, from: Math.min(a, b), to: Math.max(a, b) + 1 }))

describe('copyBlocks', () => {
  it('gives a fragment that inflates to what the blocks hold', () => {
    fc.assert(
      fc.property(range, ({ file, blocks, from, to }) => {
        const raw = RAW.subarray(blocks.raw[from], blocks.raw[to])
        expect(inflateBlocks(file, RAW, blocks, from, to).equals(raw)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('writes the same anywhere, as many bytes as it says, and nothing beside them', () => {
    fc.assert(
      fc.property(range, fc.nat(9), fc.boolean(), ({ file, blocks, from, to }, at, isShared) => {
        const part = partOf(file, blocks, from, to)
        const size = copiedSize(part)
        const first = new Uint8Array(size)
        expect(copyBlocks(part, first, 0)).toBe(size)
        const memory = isShared ? new SharedArrayBuffer(at + size + 9) : new ArrayBuffer(at + size + 9)
        const into = new Uint8Array(memory).fill(0xaa)
        expect(copyBlocks(structuredClone(part), into, at)).toBe(size)
        expect(Buffer.from(into.subarray(at, at + size)).equals(first)).toBe(true)
        expect([...into.subarray(0, at), ...into.subarray(at + size)]).toEqual(Array(at + 9).fill(0xaa))
      }),
      { numRuns: 100 },
    )
  })
})

it('copyBits moves bits by any number of them', () => {
  const bits = (bytes: Uint8Array) => [...bytes].flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> i) & 1))
  const property = fc.property(
    fc.uint8Array({ minLength: 24, maxLength: 24 }),
    fc.nat(63),
    fc.integer({ min: 1, max: 127 }),
    fc.nat(40),
    (bytes, from, count, to) => {
      const into = new Uint8Array(24).fill(0xff)
      copyBits(bytes, from, count, into, to)
      const wanted = [...Array(to).fill(1), ...bits(bytes).slice(from, from + count)]
      while (wanted.length % 8 !== 0) wanted.push(0)
      expect(bits(into)).toEqual([...wanted, ...Array(192 - wanted.length).fill(1)])
    },
  )
  fc.assert(property, { numRuns: 500 })
})
