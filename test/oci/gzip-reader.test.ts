import { constants, crc32, deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BlockInflater } from '../../src/oci/block-inflater.ts'
import { CHECKED, FINAL, FIRST, type GzipBlocks, STORED } from '../../src/oci/gzip-blocks.ts'
import { GzipReader } from '../../src/oci/gzip-reader.ts'
import { Inflater } from '../../src/oci/inflater.ts'
import { BLOCK_INFLATERS } from '../support/block-inflaters.ts'
import { wordy } from '../support/bytes.ts'
import { fuzz } from '../support/fuzz.ts'
import { inflateBlocks, noise, RAW, SAMPLES } from '../support/gzip-samples.ts'
import { randomDeflate, zerosOfOneBlock } from '../support/random-deflate.ts'
import { Random } from '../support/random-tree.ts'

/** What readers find that inflate by what `make` makes. */
function readersBy(make: () => BlockInflater) {
  /** @param sizes of chunks, over and over */
  function scan(
    file: Uint8Array,
    sizes: readonly number[] = [65536],
    reader = new GzipReader(new Inflater(undefined, make())),
  ): GzipBlocks | undefined {
    for (let at = 0, i = 0; at < file.byteLength; i++) {
      const size = sizes[i % sizes.length]!
      // A reader uses its memory again.
      const chunk = Uint8Array.from(file.subarray(at, at + size))
      reader.push(chunk)
      chunk.fill(0xee)
      at += size
    }
    return reader.end()
  }

  /** What a file holds, and what is wrong with it. */
  function read(file: Uint8Array, sizes?: readonly number[]) {
    const pieces: Buffer[] = []
    const take = (raw: Uint8Array) => {
      pieces.push(Buffer.from(raw))
      return crc32(raw)
    }
    const reader = new GzipReader(new Inflater(take, make()))
    const blocks = scan(file, sizes, reader)
    return { raw: Buffer.concat(pieces), fault: reader.fault, blocks }
  }
  return { scan, read }
}

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
const large = gzipSync(Buffer.concat([RAW, noise(new Random(3), 400_000), RAW]), { level: 1 })
const trailer = (raw: Buffer) => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(crc32(raw))
  bytes.writeUInt32LE(raw.length, 4)
  return bytes
}
/** A member with the header's fields of RFC 1952 that `flags` says. */
function member(raw: Buffer, flags: number, fields: Uint8Array): Buffer {
  const header = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3]), fields])
  const sum = Buffer.alloc((flags & 2) === 0 ? 0 : 2)
  if (sum.length > 0) sum.writeUInt16LE(crc32(header) & 0xffff)
  return Buffer.concat([header, sum, deflateRawSync(raw), trailer(raw)])
}

// Those for every processor do the same as these: see block-inflater.test.ts.
describe.each(BLOCK_INFLATERS.slice(0, 2))('GzipReader by %s', (_name, make) => {
  const { scan, read } = readersBy(make)

  it.each(SAMPLES)('finds each block of %s, and what it holds', (_, file) => {
    const blocks = scan(file)!
    expect(blocks.raw[0]).toBe(0)
    expect(blocks.raw.length).toBe(blocks.count + 1)
    for (let i = 0; i < blocks.count; i++) {
      // Beginning a member, a block refers to nothing before it.
      const wanted = RAW.subarray(blocks.raw[i], blocks.raw[i + 1])
      expect(inflateBlocks(file, RAW, blocks, i, i + 1).equals(wanted), `block ${i}`).toBe(true)
      const follows = i > 0 && (blocks.flags[i - 1]! & FINAL) === 0
      expect((blocks.flags[i]! & FIRST) === 0).toBe(follows)
      if (follows) expect(blocks.start[i]).toBe(blocks.end[i - 1])
    }
    expect(blocks.raw[blocks.count]).toBe(RAW.length)
    expect(blocks.flags[blocks.count - 1]! & FINAL).toBe(FINAL)
    expect(Math.ceil(blocks.end[blocks.count - 1]! / 8) + 8).toBe(file.length)
  })

  it.each(SAMPLES)('inflates %s, whatever the chunks are', (_, file) => {
    for (const sizes of [[file.length], [1000], [70_000, 3, 1]]) {
      const { raw, fault } = read(file, sizes)
      expect(fault).toBeUndefined()
      expect(raw.equals(RAW)).toBe(true)
    }
  })

  it('inflates what is longer than its memory, and refers to what is nearly 32 KiB before', () => {
    const random = new Random(11)
    const block = noise(random, 32_500)
    const far = Buffer.concat(Array.from({ length: 40 }, () => block))
    expect(gzipSync(far).length).toBeLessThan(2 * block.length)
    for (const wanted of [far, Buffer.alloc(3 << 20), wordy(random, 3 << 20)]) {
      const { raw, fault } = read(gzipSync(wanted), [100_000])
      expect(fault).toBeUndefined()
      expect(raw.equals(wanted)).toBe(true)
    }
  })

  it('finds blocks with codes that no encoder would choose, and inflates them', () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed)
      const { stream, blocks } = randomDeflate(random)
      const raw = inflateRawSync(stream)
      const whole = read(Buffer.concat([HEADER, stream, trailer(raw)]), [20_000])
      const found = whole.blocks!
      expect(whole.fault).toBeUndefined()
      expect(whole.raw.equals(raw), `seed ${seed}`).toBe(true)
      const moved = (bit: number) => bit + 8 * HEADER.length
      expect([...found.start], `seed ${seed}`).toEqual(blocks.map(({ start }) => moved(start)))
      expect([...found.end]).toEqual(blocks.map(({ end }) => moved(end)))
      expect([...found.raw]).toEqual([0, ...blocks.map(({ raw }) => raw)])
    }
  })

  it('counts more raw data in a block than 32 bits hold', () => {
    expect(inflateRawSync(zerosOfOneBlock(1002)).length).toBe(1 + 1002 * 258)
    const matches = 17_000_002
    const found = scan(Buffer.concat([HEADER, zerosOfOneBlock(matches), Buffer.alloc(8)]))!
    expect([...found.raw]).toEqual([0, 1 + matches * 258])
  })

  it('inflates more blocks than it keeps', () => {
    const raw = Buffer.from('text')
    const stored = Buffer.from([0, 4, 0, 0xfb, 0xff, ...raw])
    // Four blocks with fixed codes, of 10 bits each, that hold nothing.
    const empty = Buffer.alloc((5 * 2 ** 18) / 4, Buffer.from([2, 8, 32, 128, 0]))
    const file = Buffer.concat([HEADER, empty, stored, Buffer.from([3, 0]), trailer(raw)])
    expect(gunzipSync(file).equals(raw)).toBe(true)
    const found = read(Buffer.concat([file, gzipSync('more')]))
    expect(found).toEqual({ raw: Buffer.from('textmore'), fault: undefined, blocks: undefined })
    expect(scan(file)).toBeUndefined()
    expect(
      read(Buffer.concat([HEADER, empty.subarray(5), stored, Buffer.from([3, 0]), trailer(raw)])).blocks?.count,
    ).toBe(2 ** 18 - 2)
  })

  it('knows the blocks that are stored', () => {
    const blocks = scan(gzipSync(RAW, { level: 0 }))!
    expect([...blocks.flags].every((flags) => (flags & STORED) !== 0)).toBe(true)
    expect([...scan(gzipSync(RAW.subarray(0, 200_000)))!.flags].some((flags) => (flags & STORED) !== 0)).toBe(false)
  })

  it('gives a CRC-32 for each 64 KiB of the file', () => {
    const checks = Array.from({ length: Math.ceil(large.length / CHECKED) }, (_, i) =>
      crc32(large.subarray(i * CHECKED, (i + 1) * CHECKED)),
    )
    expect([...scan(large, [100_000])!.checks]).toEqual(checks)
  })

  it('finds the same, whatever the chunks are', () => {
    const whole = scan(large)
    expect(large.length).toBeGreaterThan(800_000)
    const size = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300_000 }))
    const property = fc.property(fc.array(size), (sizes) => {
      expect(scan(large, [...sizes, 10_000])).toEqual(whole)
    })
    fc.assert(property, { numRuns: 12 })
    const small = gzipSync(RAW, { level: 1 })
    expect(scan(small, [1])).toEqual(scan(small))
  })

  it('finds the same, wherever in the file it is', () => {
    const [whole, raw] = [scan(large)!, gunzipSync(large)]
    const moved = (size: number) => {
      const fields = Buffer.alloc(2 + size, 'x')
      fields.writeUInt16LE(size)
      const file = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3]), fields, large.subarray(10)])
      const blocks = scan(file)!
      expect(blocks.raw).toEqual(whole.raw)
      expect(blocks.start.map((bit) => bit - 8 * (size + 2))).toEqual(whole.start)
      expect(blocks.end.map((bit) => bit - 8 * (size + 2))).toEqual(whole.end)
    }
    expect(raw.length).toBe(whole.raw[whole.count])
    fc.assert(fc.property(fc.integer({ min: 0, max: 65535 }), moved), { numRuns: 15 })
  })

  it.each([
    ['a name', 8, Buffer.from('name.tar\0')],
    ['a comment', 16, Buffer.from('\0')],
    ['extra fields', 4, Buffer.from('\x05\x00a\0b\0c')],
    ['a checksum', 2, Buffer.alloc(0)],
    ['a remark that this is text', 1, Buffer.alloc(0)],
    ['all of them', 31, Buffer.from('\x00\x00name\0comment\0')],
    ['a name as long as a novel', 8, Buffer.concat([Buffer.alloc(100_000, 'n'), Buffer.alloc(1)])],
  ])('reads a header with %s', (_, flags, fields) => {
    const file = member(RAW, flags, fields)
    const blocks = scan(Buffer.concat([file, file]), [70_000])!
    expect(blocks.start[0]).toBe(8 * (10 + fields.length + (flags & 2)))
    expect(blocks.raw[blocks.count]).toBe(2 * RAW.length)
  })

  it('leaves out what follows the last member, and says when that is more than zeros', () => {
    const file = gzipSync('text')
    const blocks = scan(file)!
    for (const rest of [
      Buffer.alloc(1),
      Buffer.alloc(100_000),
      Buffer.from('rubbish'),
      noise(new Random(5), 600_000),
    ]) {
      const behind = read(Buffer.concat([file, rest]))
      expect(behind.blocks).toEqual({ ...blocks, checks: expect.any(Uint32Array) })
      expect(behind.fault).toBe(rest.every((byte) => byte === 0) ? undefined : 'something follows its last member')
    }
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a tar of zeros', Buffer.alloc(10_240)],
    ['text', Buffer.from('text')],
    ['the beginning of a header', Buffer.from([0x1f, 0x8b, 8])],
    ['a member without its last byte', gzipSync(RAW).subarray(0, -1)],
    ['a stored member without its trailer', gzipSync(RAW, { level: 0 }).subarray(0, -8)],
    ['a second member cut in its header', Buffer.concat([gzipSync(RAW), gzipSync(RAW).subarray(0, 9)])],
    ['a second member cut in its blocks', Buffer.concat([gzipSync(RAW), gzipSync(RAW).subarray(0, -9)])],
    ['a header without end', Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 8]), Buffer.alloc(2 ** 20, 'n')])],
    ['a method that is not deflate', Buffer.concat([Buffer.from([0x1f, 0x8b, 7]), gzipSync(RAW).subarray(3)])],
    ['a type of block that does not exist', member(Buffer.alloc(0), 0, Buffer.from([7]))],
    ['a stored block whose sizes differ', member(Buffer.alloc(0), 0, Buffer.from([1, 5, 0, 5, 0]))],
    // Fixed codes: the length 285, then the distance 30.
    ['a distance that does not exist', member(Buffer.alloc(0), 0, Buffer.from([0x1b, 0x7d, 0x03]))],
    ['blocks without number', Buffer.concat([HEADER, Buffer.alloc(2 ** 22)])],
  ])('takes %s for no gzip file', (_, file) => {
    expect(scan(file)).toBeUndefined()
  })

  it.each([
    ['incorrect data check', -8],
    ['incorrect data check', -5],
    ['incorrect length check', -4],
    ['incorrect length check', -1],
  ])('says %s for a member with a wrong byte in its trailer (%i)', (fault, at) => {
    const file = gzipSync(RAW)
    file[file.length + at]! ^= 1
    expect(read(file)).toMatchObject({ fault, blocks: undefined })
    expect(read(Buffer.concat([gzipSync('text'), file, gzipSync('text')]))).toMatchObject({ fault })
  })

  it('says incorrect header for a wrong checksum of it', () => {
    const file = member(RAW, 2, Buffer.alloc(0))
    file[4]! ^= 1
    expect(read(file)).toMatchObject({ fault: 'incorrect header', blocks: undefined })
  })

  it('gives nothing for any beginning of a file', () => {
    const file = gzipSync(RAW.subarray(195_000, 215_000))
    for (let size = 0; size < file.length; size += 29) {
      const { fault, blocks } = read(file.subarray(0, size), [8000])
      expect(blocks).toBeUndefined()
      expect(fault).toBe('unexpected end of file')
    }
  })

  it('makes of damaged blocks what zlib makes of them, or refuses them as it does', () => {
    const raw = RAW.subarray(196_000, 216_000)
    const streams = [
      ...[0, 1, 6, 9].map((level) => deflateRawSync(raw, { level })),
      deflateRawSync(raw, { strategy: constants.Z_FIXED }),
      deflateRawSync(raw, { memLevel: 1 }),
    ]
    let inflated = 0
    const place = fc.oneof(fc.nat(100), fc.nat(20_000))
    const damage = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 3 })
    const property = fc.property(fc.constantFrom(...streams), damage, (stream, damage) => {
      const bytes = Buffer.from(stream)
      for (const [at, byte] of damage) bytes[at % bytes.length] = byte
      const wanted = inflatedBy(bytes)
      const { raw, fault, blocks } = read(Buffer.concat([HEADER, bytes, trailer(wanted?.raw ?? Buffer.alloc(0))]))
      if (wanted === undefined) expect(fault).toBeDefined()
      else if (wanted.isWhole) {
        inflated++
        expect(fault).toBeUndefined()
        expect(blocks?.raw[blocks.count]).toBe(wanted.raw.length)
        expect(raw.equals(wanted.raw)).toBe(true)
      }
    })
    fc.assert(property, fuzz(600))
    expect(inflated).toBeGreaterThan(0)
  })
})

/** What zlib makes of a stream, and whether that is all of it; undefined: it refuses it. */
function inflatedBy(stream: Buffer): { readonly raw: Buffer; readonly isWhole: boolean } | undefined {
  try {
    const { buffer, engine } = inflateRawSync(stream, { info: true }) as unknown as {
      readonly buffer: Buffer
      readonly engine: { readonly bytesWritten: number }
    }
    return { raw: buffer, isWhole: engine.bytesWritten === stream.length }
  } catch {
    return undefined
  }
}
