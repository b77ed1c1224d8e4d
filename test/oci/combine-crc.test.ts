import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { combineCrc } from '../../src/oci/combine-crc.ts'

it('gives the CRC-32 of two strings one after the other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
      expect(combineCrc(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])))
    }),
  )
})

it('does so for strings of any length', () => {
  const zeros = (size: number) => ({ crc: crc32(Buffer.alloc(size)), size })
  const [start, wanted] = [crc32('start'), zeros(2 ** 22)]
  expect(combineCrc(start, wanted.crc, wanted.size)).toBe(crc32(Buffer.alloc(wanted.size), start))
  // From 4 MiB to 2^52 bytes of zeros by doubling, or with one more byte at once.
  let { crc, size } = wanted
  for (; size < 2 ** 52; size *= 2) crc = combineCrc(crc, crc, size)
  const one = zeros(1)
  expect(combineCrc(start, combineCrc(crc, one.crc, 1), size + 1)).toBe(
    combineCrc(combineCrc(start, crc, size), one.crc, 1),
  )
})
