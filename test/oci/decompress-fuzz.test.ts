import { execFileSync } from 'node:child_process'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { decompress, detectCompression } from '../../src/oci/decompress.ts'
import { chunked, collect, wordy } from '../support/bytes.ts'
import { damages } from '../support/damage.ts'
import { fuzz, orRefusedLater } from '../support/fuzz.ts'
import { Random } from '../support/random-tree.ts'

const plain = wordy(new Random(1), 40_000)
const parts = [plain.subarray(0, 10_000), plain.subarray(10_000)]
const STREAMS = [
  gzipSync(plain),
  gzipSync(plain, { level: 0 }),
  Buffer.concat([...parts.map((part) => gzipSync(part)), Buffer.alloc(1000)]),
  execFileSync('gzip', ['-c', '-1'], { input: plain }),
  zstdCompressSync(plain),
  Buffer.concat(parts.map((part) => zstdCompressSync(part))),
  execFileSync('zstd', ['-c', '--no-check'], { input: plain }),
  execFileSync('zstd', ['-c', '--long=20'], { input: plain }),
  plain,
]

const inflated = (bytes: Buffer, size: number) =>
  orRefusedLater(['ARCHIVE_INVALID', 'ARCHIVE_UNSAFE'], () => collect(decompress(chunked(bytes, size), 'the stream')))

test('a damaged stream ends: refused, or with the bytes that another reader finds', async () => {
  const ends = { refused: 0, read: 0 }
  await fc.assert(
    fc.asyncProperty(fc.nat(), damages(3), fc.integer({ min: 1, max: 20_000 }), async (which, spoil, size) => {
      const bytes = spoil(STREAMS[which % STREAMS.length]!)
      const got = await inflated(bytes, Math.max(size, bytes.length >> 6))
      if (got instanceof OcibakeError) return void ends.refused++
      ends.read++
      const compression = detectCompression(bytes)
      if (compression === 'none') expect(got.equals(bytes)).toBe(true)
      if (compression === 'gzip') expect(got.equals(gunzipSync(bytes))).toBe(true)
      // Of several frames Node reads the first.
      if (compression === 'zstd')
        expect(got.subarray(0, 9000).equals(zstdDecompressSync(bytes).subarray(0, 9000))).toBe(true)
    }),
    fuzz(250),
  )
  expect(ends.refused).toBeGreaterThan(30)
  expect(ends.read).toBeGreaterThan(5)
})

test('noise behind the first bytes of a format is refused', async () => {
  const heads = [Buffer.from('1f8b0800', 'hex'), Buffer.from('28b52ffd', 'hex'), Buffer.from('502a4d18', 'hex')]
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 400 }), async (head, noise) => {
      const bytes = Buffer.concat([head, noise])
      const got = await inflated(bytes, 17)
      if (!(got instanceof OcibakeError)) expect(got.length).toBeLessThanOrEqual(1 << 20)
    }),
    fuzz(150),
  )
})
