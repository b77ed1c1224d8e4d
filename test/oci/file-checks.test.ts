import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FileChecks } from '../../src/oci/file-checks.ts'
import { CHECKED } from '../../src/oci/gzip-blocks.ts'
import { wordy } from '../support/bytes.ts'
import { fuzz } from '../support/fuzz.ts'
import { Random } from '../support/random-tree.ts'

const FILE = wordy(new Random(5), 5 * CHECKED + 77)
const PARTS = Array.from({ length: 6 }, (_, i) => crc32(FILE.subarray(i * CHECKED, (i + 1) * CHECKED)))

it('gives the CRC-32 of each part of a file, and of each chunk, wherever that begins and ends', () => {
  const sizes = fc.array(fc.oneof(fc.nat(70), fc.nat(3 * CHECKED), fc.constant(CHECKED)))
  const property = fc.property(sizes, (all) => {
    const checks = new FileChecks()
    let at = 0
    for (const size of [...all, FILE.length]) {
      const chunk = FILE.subarray(at, at + size)
      expect(checks.push(chunk)).toBe(crc32(chunk))
      at += chunk.length
    }
    expect(Array.from(checks.soFar())).toEqual(PARTS)
  })
  fc.assert(property, fuzz())
})
