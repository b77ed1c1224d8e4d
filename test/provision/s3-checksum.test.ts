import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { silent } from '../../src/events.ts'
import { fetchSource } from '../../src/provision/fetch.ts'
import { CRC32C, CRC64NVME, type CrcKind, ReflectedCrc } from '../../src/provision/reflected-crc.ts'
import type { FetchOptions } from '../../src/provision/start-fetch.ts'
import { collect, wordy } from '../support/bytes.ts'
import { Random } from '../support/random-tree.ts'
import { type S3, startS3 } from '../support/s3.ts'
import { testStore } from '../support/store.ts'

const QUICK = { attempts: 2, backoff: 5, longestWait: 50, idle: 2000 }
/** Of several parts. */
const BYTES = wordy(new Random(9), (17 << 20) + 5)

function crc(kind: CrcKind, bytes: Buffer): string {
  const sum = new ReflectedCrc(kind)
  sum.update(bytes)
  return sum.digest().toString('base64')
}

function base64(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

/** The headers of each kind of checksum. */
const SUMS: Readonly<Record<string, (bytes: Buffer) => string>> = {
  'x-amz-checksum-crc32': (bytes) => base64(crc32(bytes)),
  'x-amz-checksum-crc32c': (bytes) => crc(CRC32C, bytes),
  'x-amz-checksum-crc64nvme': (bytes) => crc(CRC64NVME, bytes),
  'x-amz-checksum-sha1': (bytes) => createHash('sha1').update(bytes).digest('base64'),
  'x-amz-checksum-sha256': (bytes) => createHash('sha256').update(bytes).digest('base64'),
}
const FULL = { 'x-amz-checksum-type': 'FULL_OBJECT' }

describe('an S3 object with a checksum', () => {
  let s3: S3
  beforeEach(async () => {
    s3 = await startS3()
    s3.createBucket('bucket', { versioned: true })
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await s3.stop()
  })

  async function fetched(options: FetchOptions = {}): Promise<Buffer> {
    const { signal } = new AbortController()
    const tools = { store: await testStore(), report: silent, signal }
    await using source = await fetchSource('s3://bucket/x', { patience: QUICK, ...options }, tools)
    return await collect(source.open())
  }
  const heads = () => s3.server.seen.filter(({ method }) => method === 'HEAD')

  it.each(Object.keys(SUMS))('is taken if that is right, and refused if not: %s', async (header) => {
    s3.put('bucket', 'x', BYTES, { ...FULL, [header]: SUMS[header]!(BYTES) })
    expect((await fetched()).equals(BYTES)).toBe(true)
    expect(heads()).toHaveLength(1)
    expect(heads()[0]).toMatchObject({ checksumMode: 'ENABLED', ifMatch: expect.stringMatching(/^"/) })
    const other = Buffer.from(BYTES)
    other[9 << 20]! ^= 1
    const [got, want] = [SUMS[header]!(other), SUMS[header]!(BYTES)]
    s3.put('bucket', 'x', other, { ...FULL, [header]: want })
    await expect(fetched()).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      message: `s3://bucket/x (${BYTES.length} bytes) has the ${header.slice(15).toUpperCase()} ${got}; S3 has kept ${want}.`,
    })
  })

  it.each([
    ['of its parts, which says so', { 'x-amz-checksum-type': 'COMPOSITE', 'x-amz-checksum-crc32': 'AAAAAA==-3' }],
    ['of its parts, from a server that does not say so', { 'x-amz-checksum-sha256': `${'A'.repeat(43)}=-3` }],
    ['of a kind that nobody knows', { 'x-amz-checksum-md9': 'AAAA' }],
    ['that is none', {}],
  ])('is taken with one %s', async (_, headers) => {
    s3.put('bucket', 'x', 'content', headers)
    expect((await fetched()).toString()).toBe('content')
  })

  it('is taken as ever when nobody may ask for it, or the server does not know how', async () => {
    for (const status of [400, 403, 405, 412, 501, 503]) {
      s3.put('bucket', 'x', `content ${status}`, { ...FULL, 'x-amz-checksum-crc32': 'AAAAAA==' })
      s3.server.fault = ({ method }) => (method === 'HEAD' ? { kind: 'error', status, code: 'No' } : undefined)
      expect((await fetched()).toString()).toBe(`content ${status}`)
    }
  })

  it('is asked for that of the version that is wanted, and empty ones have one, too', async () => {
    const header = 'x-amz-checksum-crc64nvme'
    const versionId = s3.put('bucket', 'x', '', { ...FULL, [header]: SUMS[header]!(Buffer.alloc(0)) })
    s3.put('bucket', 'x', 'newer', { ...FULL, [header]: 'AAAAAAAAAAA=' })
    expect(await fetched({ versionId })).toEqual(Buffer.alloc(0))
    await expect(fetched()).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
  })

  it('is not asked for it when the spec has the sha256, which says more', async () => {
    s3.put('bucket', 'x', 'content', { ...FULL, 'x-amz-checksum-crc32': 'AAAAAA==' })
    const sha256 = createHash('sha256').update('content').digest('hex')
    expect((await fetched({ sha256 })).toString()).toBe('content')
    expect(heads()).toEqual([])
  })

  it('fails for what its download fails for, not for its checksum', async () => {
    s3.put('bucket', 'x', BYTES, { ...FULL, 'x-amz-checksum-crc32': 'AAAAAA==' })
    s3.server.fault = ({ range }) =>
      range?.startsWith('bytes=16777216-') ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined
    await expect(fetched()).rejects.toMatchObject({ code: 'FETCH_DENIED' })
  })
})
