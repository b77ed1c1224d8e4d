import { execFileSync } from 'node:child_process'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decompress, detectCompression } from '../../src/oci/decompress.ts'
import { chunked, collect, wordy } from '../support/bytes.ts'
import { Random } from '../support/random-tree.ts'

const plain = wordy(new Random(1), 3_000_000)
const tool = (name: string, ...args: string[]) => execFileSync(name, args, { input: plain, maxBuffer: 2 ** 26 })
const inflated = (bytes: Uint8Array, chunk?: number) => collect(decompress(chunked(bytes, chunk), 'the stream'))
const half = plain.length >> 1
const twice = (compress: (bytes: Uint8Array) => Buffer) => [plain.subarray(0, half), plain.subarray(half)].map(compress)

describe('detectCompression', () => {
  it.each([
    ['gzip', tool('gzip')],
    ['zstd', tool('zstd')],
    ['xz', tool('xz', '-0')],
    ['bzip2', tool('bzip2')],
    ['none', plain],
    ['none', Buffer.alloc(0)],
    ['none', Buffer.from([0x1f])],
    ['zstd', Buffer.from('502a4d1804000000', 'hex')],
  ])('says %s by the first bytes', (name, bytes) => {
    expect(detectCompression(bytes.subarray(0, 6))).toBe(name)
  })
})

describe('decompress', { timeout: 60_000 }, () => {
  it.each([
    ['gzip -6', tool('gzip', '-6')],
    ['gzip -1', tool('gzip', '-1')],
    ['zstd', tool('zstd')],
    ['zstd without checksum', tool('zstd', '--no-check', '-19')],
    ['nothing', plain],
    ['two gzip members', Buffer.concat(twice(gzipSync))],
    ['two zstd frames', Buffer.concat(twice(zstdCompressSync))],
    ['zstd with a skippable frame before', Buffer.concat([Buffer.from('502a4d180200000000ff', 'hex'), tool('zstd')])],
    ['zstd with a skippable frame after', Buffer.concat([tool('zstd'), Buffer.from('502a4d180200000000ff', 'hex')])],
    ['an empty gzip member between', Buffer.concat([gzipSync(plain), gzipSync(''), gzipSync('')])],
    ['zeros after the last gzip member', Buffer.concat([gzipSync(plain), Buffer.alloc(10_240)])],
  ])('gives the bytes back from %s, however they are chunked', async (_, bytes) => {
    for (const chunk of [997, 65_536, bytes.length]) expect((await inflated(bytes, chunk)).equals(plain)).toBe(true)
  })

  it('gives the bytes back from chunks that are cut at the ends of members and frames', async () => {
    for (const parts of [twice(gzipSync), twice(zstdCompressSync), [gzipSync(plain), Buffer.alloc(512)]]) {
      async function* asTheyAre() {
        for (const part of parts) yield* [new Uint8Array(), part]
      }
      expect((await collect(decompress(asTheyAre(), 'the stream'))).equals(plain)).toBe(true)
    }
  })

  it.each([
    ['a head of one byte a chunk', gzipSync('tiny')],
    ['a plain stream shorter than any head', Buffer.from('tiny')],
  ])('reads %s', async (_, bytes) => {
    expect((await inflated(bytes, 1)).toString()).toBe('tiny')
  })

  it('gives nothing for nothing', async () => {
    expect(await inflated(Buffer.alloc(0))).toHaveLength(0)
    expect(await inflated(gzipSync(''))).toHaveLength(0)
  })

  const gz = gzipSync(plain)
  const zst = zstdCompressSync(plain, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
  it.each([
    ['gzip without its last byte', gz.subarray(0, -1)],
    ['gzip cut in the middle', gz.subarray(0, gz.length >> 1)],
    ['gzip cut in its header', gz.subarray(0, 5)],
    ['gzip with a wrong checksum', flipped(gz, gz.length - 6)],
    ['gzip with a wrong length', flipped(gz, gz.length - 2)],
    ['gzip with a flipped byte', flipped(gz, gz.length >> 1)],
    ['gzip with garbage behind it', Buffer.concat([gz, Buffer.from('garbage')])],
    ['gzip with garbage behind zeros', Buffer.concat([gz, Buffer.alloc(70_000), Buffer.from('garbage')])],
    ['gzip with half a member behind it', Buffer.concat([gz, gz.subarray(0, 100)])],
    ['gzip with one byte of a member behind it', Buffer.concat([gz, gz.subarray(0, 1)])],
    ['zstd cut in the middle', zst.subarray(0, zst.length >> 1)],
    ['zstd without its last byte', zst.subarray(0, -1)],
    ['zstd with a flipped byte', flipped(zst, zst.length >> 1)],
    ['zstd with a wrong checksum', flipped(zst, zst.length - 1)],
    ['zstd with garbage behind it', Buffer.concat([zst, Buffer.from('garbage')])],
    ['xz', tool('xz', '-0')],
    ['bzip2', tool('bzip2')],
  ])('refuses %s, naming the stream', async (_, bytes) => {
    for (const chunk of [997, bytes.length]) {
      await expect(inflated(bytes, chunk)).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringContaining('the stream'),
      })
    }
  })

  it.each([gz, zst, plain])('passes an error of its source through as it is', async (bytes) => {
    const broken = new Error('connection reset')
    async function* source() {
      yield bytes.subarray(0, 1000)
      throw broken
    }
    await expect(collect(decompress(source(), 'the stream'))).rejects.toBe(broken)
  })

  it.each([gz, zst, plain])('closes its source when the reader stops early', async (bytes) => {
    let closed = false
    async function* source() {
      try {
        for (;;) yield bytes
      } finally {
        closed = true
      }
    }
    for await (const _ of decompress(source(), 'the stream')) break
    expect(closed).toBe(true)
  })

  it('stops a bomb of 2 GiB in 64 KiB in bounded memory', async () => {
    const bomb = execFileSync('sh', ['-c', 'head -c 2G /dev/zero | zstd -3 -c'], { maxBuffer: 2 ** 26 })
    const before = process.memoryUsage().rss
    let most = 0
    const read = async () => {
      for await (const _ of decompress(chunked(bomb), 'the stream')) most = Math.max(most, process.memoryUsage().rss)
    }
    await expect(read()).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' })
    expect(most - before).toBeLessThan(300 << 20)
  })

  it('reads zeros that gzip made small, up to the limit of a gigabyte', async () => {
    const zeros = execFileSync('sh', ['-c', 'head -c 500M /dev/zero | gzip -1'], { maxBuffer: 2 ** 26 })
    let size = 0
    for await (const chunk of decompress(chunked(zeros), 'the stream')) size += chunk.byteLength
    expect(size).toBe(500 << 20)
  })
})

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = copy[at]! ^ 0x10
  return copy
}
