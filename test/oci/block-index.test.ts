import { describe, expect, it } from 'vitest'
import { decodeBlocks, encodeBlocks } from '../../src/oci/block-index.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { GzipBlocks } from '../../src/oci/gzip-blocks.ts'
import { Random } from '../support/random-tree.ts'

const BLOB = digestOf('blob')
const SEED = 5

/** Blocks that may be anywhere; `far` bytes and bits from one to the next at most. */
function randomBlocks(random: Random, count: number, far: number): GzipBlocks {
  const raw = new Float64Array(count + 1)
  const start = new Float64Array(count)
  const end = new Float64Array(count)
  let [byte, bit] = [0, 0]
  for (let i = 0; i < count; i++) {
    raw[i] = byte
    byte += random.below(far)
    start[i] = bit += random.below(200)
    end[i] = bit += random.below(far)
  }
  raw[count] = byte
  const flags = Uint8Array.from({ length: count }, () => random.below(8))
  const checks = Uint32Array.from({ length: random.below(50) }, () => random.below(2 ** 32))
  return { count, raw, start, end, flags, checks }
}

describe('a block index', () => {
  it.each([
    ['one block', 1, 100],
    ['blocks of a layer', 5000, 40_000],
    ['blocks of a file beyond 4 GiB', 1000, 2 ** 36],
    ['no block', 0, 1],
  ])('gives back %s', (_, count, far) => {
    const blocks = randomBlocks(new Random(SEED), count, far)
    expect(decodeBlocks(encodeBlocks(BLOB, blocks), BLOB)).toEqual(blocks)
  })

  it('gives back that there is nothing to be used', () => {
    expect(decodeBlocks(encodeBlocks(BLOB, 'none'), BLOB)).toBe('none')
  })

  it('takes ten bytes a block', () => {
    const blocks = randomBlocks(new Random(SEED), 5000, 40_000)
    expect(encodeBlocks(BLOB, blocks).length).toBeLessThan(10 * 5000)
  })

  const bytes = encodeBlocks(BLOB, randomBlocks(new Random(SEED), 10, 40_000))
  it.each([
    ['of another blob', bytes, digestOf('other')],
    ['without its end', bytes.subarray(0, -1), BLOB],
    ['with a byte too many', Buffer.concat([bytes, Buffer.alloc(1)]), BLOB],
    ['that is empty', Buffer.alloc(0), BLOB],
    ['of a head that is no object', Buffer.from('null\n'), BLOB],
    ['without a head', Buffer.from('\n'), BLOB],
  ])('%s is refused', (_, wrong, blob) => {
    expect(() => decodeBlocks(Buffer.from(wrong), blob)).toThrow(/^The index of the blocks of sha256:.* is not what/)
  })

  it('with any bit flipped is refused, or is of another version', () => {
    const blocks = decodeBlocks(bytes, BLOB)
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes)
      flipped[at]! ^= 1
      const got = attempt(() => decodeBlocks(flipped, BLOB))
      expect(got === undefined || got === 'thrown', `byte ${at}`).toBe(true)
    }
    expect(blocks).toBeDefined()
  })
})

function attempt<T>(work: () => T): T | 'thrown' {
  try {
    return work()
  } catch {
    return 'thrown'
  }
}
