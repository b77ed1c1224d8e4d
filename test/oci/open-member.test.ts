import { execFileSync } from 'node:child_process'
import { crc32, gunzipSync, gzipSync } from 'node:zlib'
import { gzip } from 'libdeflate'
import { describe, expect, it } from 'vitest'
import { combineCrc } from '../../src/oci/combine-crc.ts'
import { copiedSize, copyBlocks } from '../../src/oci/copy-blocks.ts'
import type { GzipBlocks } from '../../src/oci/gzip-blocks.ts'
import { GzipReader } from '../../src/oci/gzip-reader.ts'
import { closeMember, openMember } from '../../src/oci/open-member.ts'
import { noise, partOf, RAW, SAMPLES } from '../support/gzip-samples.ts'
import { Random } from '../support/random-tree.ts'

function scan(file: Uint8Array): GzipBlocks {
  const scanner = new GzipReader()
  scanner.push(file)
  return scanner.end()!
}

/** A member of: the raw data before block `from`, pressed; the blocks up to `to`, copied; nothing. */
function spliced(file: Buffer, blocks: GzipBlocks, from: number, to: number): Buffer {
  const [start, middle, end] = [Math.max(0, blocks.raw[from]! - 40_000), blocks.raw[from]!, blocks.raw[to]!]
  const part = partOf(file, blocks, from, to)
  const copied = Buffer.alloc(copiedSize(part))
  expect(copyBlocks(part, copied, 0)).toBe(copied.length)
  const crc = combineCrc(crc32(RAW.subarray(start, middle)), crc32(RAW.subarray(middle, end)), end - middle)
  return Buffer.concat([openMember(gzip(RAW.subarray(start, middle), 6)), copied, closeMember(crc, end - start)])
}

describe('a member that is opened, gets blocks of other files and is closed', () => {
  it.each(SAMPLES)('holds the raw data of blocks of %s', (name, file) => {
    const blocks = scan(file)
    const random = new Random(name.length)
    for (let round = 0; round < 6; round++) {
      const from = random.below(blocks.count)
      const to = from + 1 + random.below(blocks.count - from)
      const raw = RAW.subarray(Math.max(0, blocks.raw[from]! - 40_000), blocks.raw[to])
      const member = spliced(file, blocks, from, to)
      expect(gunzipSync(member).equals(raw), `blocks ${from} to ${to}`).toBe(true)
      if (round > 0) continue
      expect(execFileSync('gzip', ['-dc'], { input: member, maxBuffer: 2 ** 24 }).equals(raw)).toBe(true)
    }
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a byte', Buffer.from('a')],
    ['zeros', Buffer.alloc(300_000)],
    ['what cannot be compressed', noise(new Random(9), 200_000)],
  ])('holds %s', (_, raw) => {
    const close = closeMember(crc32(raw), raw.length)
    const member = Buffer.concat([openMember(gzip(raw, 6)), close])
    expect(gunzipSync(member).equals(raw)).toBe(true)
    expect(gunzipSync(Buffer.concat([openMember(member), close])).equals(raw)).toBe(true)
  })

  it('keeps its header, with whatever is in it', () => {
    const header = Buffer.from('1f8b0808010203040203616263', 'hex')
    const member = Buffer.concat([header, Buffer.alloc(1), gzipSync('text').subarray(10)])
    expect(openMember(member).subarray(0, 14)).toEqual(Uint8Array.from(member.subarray(0, 14)))
  })

  it('is closed with a size modulo 2^32', () => {
    expect(Buffer.from(closeMember(0xfedcba98, 2 ** 40 + 5)).toString('hex')).toBe('030098badcfe05000000')
  })

  it('cannot be made of what is not gzip', () => {
    expect(() => openMember(Buffer.from('text'))).toThrow(RangeError)
  })
})
