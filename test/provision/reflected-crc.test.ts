import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CRC32C, CRC64NVME, ReflectedCrc } from '../../src/provision/reflected-crc.ts'
import { Random } from '../support/random-tree.ts'

const CRC32 = { size: 4, high: 0, low: 0xedb88320 | 0 } as const

function crcOf(kind: ConstructorParameters<typeof ReflectedCrc>[0], chunks: readonly Uint8Array[]): string {
  const crc = new ReflectedCrc(kind)
  for (const chunk of chunks) crc.update(chunk)
  return crc.digest().toString('hex')
}

describe('a reflected CRC', () => {
  // What RFC 3720, section B.4, and NVMe's specification, figure 101, give as examples; and the usual check of catalogues.
  it.each([
    ['CRC-32C', CRC32C, Buffer.from('123456789'), 'e3069283'],
    ['CRC-32C', CRC32C, Buffer.alloc(32), '8a9136aa'],
    ['CRC-32C', CRC32C, Buffer.alloc(32, 0xff), '62a8ab43'],
    ['CRC-32C', CRC32C, Buffer.from(Array.from({ length: 32 }, (_, i) => i)), '46dd794e'],
    ['CRC-64/NVME', CRC64NVME, Buffer.from('123456789'), 'ae8b14860a799888'],
    ['CRC-64/NVME', CRC64NVME, Buffer.alloc(4096), '6482d367eb22b64e'],
    ['CRC-64/NVME', CRC64NVME, Buffer.alloc(4096, 0xff), 'c0ddba7302eca3ac'],
    ['CRC-64/NVME', CRC64NVME, Buffer.alloc(0), '0000000000000000'],
  ])('of the kind %s is what standards say', (_, kind, bytes, want) => {
    expect(crcOf(kind, [bytes])).toBe(want)
  })

  it("is zlib's with zlib's polynomial, however the bytes are cut", () => {
    const random = new Random(5)
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(Array.from({ length: random.below(100) }, () => random.below(256)))
      const chunks: Buffer[] = []
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random.below(20)
        chunks.push(bytes.subarray(at, at + size))
        at += size
      }
      expect(crcOf(CRC32, chunks)).toBe(crc32(bytes).toString(16).padStart(8, '0'))
    }
  })
})
