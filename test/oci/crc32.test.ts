import { crc32 as byZlib } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from '../../src/oci/crc32.ts'
import { nativeCode } from '../../src/oci/native-code.ts'
import { noise } from '../support/gzip-samples.ts'
import { Random } from '../support/random-tree.ts'

const SIZE = 300_000
const bytes = noise(new Random(4), SIZE)
const place = fc.integer({ min: 0, max: SIZE })
const number = fc.integer({ min: 0, max: 0xffffffff })

describe('crc32', () => {
  it('is what zlib says, of bytes of any size and place, behind any others', () => {
    expect(nativeCode()).toBeDefined()
    fc.assert(
      fc.property(place, place, number, (a, b, before) => {
        const part = bytes.subarray(Math.min(a, b), Math.max(a, b))
        expect(crc32(part, before)).toBe(byZlib(part, before))
        expect(crc32(part)).toBe(byZlib(part))
      }),
      { numRuns: 300 },
    )
    for (let size = 0; size < 300; size++) {
      const part = bytes.subarray(size, 2 * size)
      expect(crc32(part)).toBe(byZlib(part))
    }
  })

  it('is that of what was before when there is nothing more', () => {
    for (const none of [new Uint8Array(), Buffer.alloc(0), new Uint8Array(new SharedArrayBuffer(0))]) {
      expect(crc32(none, 0x12345678)).toBe(0x12345678)
    }
  })

  it('takes memory that threads share', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(SIZE))
    shared.set(bytes)
    expect(crc32(shared.subarray(3))).toBe(byZlib(bytes.subarray(3)))
  })
})
