import { readFileSync, writeFileSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DividedScan } from '../../src/oci/divided-scan.ts'
import type { GzipScan } from '../../src/oci/file-scan.ts'
import { GzipScans } from '../../src/oci/gzip-scans.ts'
import { wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { archive, rawMember } from '../support/raw-tar.ts'

/** What is said of a file of so many bytes, whatever it has: one worth to be divided. */
const LARGE = 16 << 20

const words = (seed: number) => rawMember({ name: `words ${seed}` }, wordy(new Random(seed), 1_500_000))
const tar = archive(rawMember({ name: 'folder/', flag: '5' }), words(1), words(2), words(3))
const brokenTar = Buffer.concat([words(1), words(2), Buffer.alloc(512, 'no header'), words(3)])
const blob = gzipSync(tar, { level: 1 })

function scansOf(): GzipScans {
  const scans = new GzipScans()
  onTestFinished(() => scans.close())
  return scans
}

interface Place {
  readonly from: string
  readonly into: string
}

async function place(bytes: Uint8Array): Promise<Place> {
  const folder = await testFolder()
  const [from, into] = [join(folder, 'blob'), join(folder, 'tar')]
  writeFileSync(from, bytes)
  writeFileSync(into, '')
  return { from, into }
}

const begin = (scans: GzipScans, { from, into }: Place, size: number) =>
  scans.start(from, { size, unpack: { path: into, what: 'the blob', end: {} }, hashed: true })

/** Tells it of the file in steps, and gives what comes of that. */
async function outcome(scans: GzipScans, scan: GzipScan, size: number): Promise<unknown> {
  for (let at = 0; at < size; at += 1 << 20) {
    scan.grew(at)
    await new Promise((resolve) => setImmediate(resolve))
  }
  scan.grew(size)
  scan.ended('whole')
  try {
    const { scan: _, raw: __, tar, ...rest } = await scans.waitFor(scan.answer)
    return { ...rest, diffId: tar!.diffId, index: Buffer.from(tar!.index).toString('latin1') }
  } catch (error) {
    expect(scan.failure?.error).toBe(error)
    const { code, message } = error as { code?: string; message: string }
    return { code, message }
  }
}

/** What comes of the bytes when they are unpacked and summed up by one, and when that is divided. */
async function both(bytes: Uint8Array): Promise<[whole: unknown, divided: unknown]> {
  const scans = scansOf()
  const [one, other] = [await place(bytes), await place(bytes)]
  const alone = await outcome(scans, begin(scans, one, 0), bytes.byteLength)
  const divided = begin(scans, other, LARGE)
  expect(divided).toBeInstanceOf(DividedScan)
  const second = await outcome(scans, divided, bytes.byteLength)
  if ('diffId' in (alone as object)) expect(readFileSync(other.into).equals(readFileSync(one.into))).toBe(true)
  return [alone, second]
}

function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at < 0 ? copy.length + at : at]! ^= 0x10
  return copy
}

describe('a raw tar that is summed up beside the thread that unpacks it', () => {
  it.each<[string, Uint8Array, object]>([
    ['nothing is wrong', blob, { diffId: expect.any(String) }],
    [
      'it has two members',
      Buffer.concat([gzipSync(tar.subarray(0, 2e6)), gzipSync(tar.subarray(2e6))]),
      { blocks: {} },
    ],
    ['a checksum is wrong', flipped(blob, -8), { message: expect.stringContaining('incorrect data check') }],
    ['the blob is cut', blob.subarray(0, -900_000), { message: expect.stringContaining('unexpected end of file') }],
    ['something follows it', Buffer.concat([blob, Buffer.from('x')]), { message: expect.stringContaining('follows') }],
    ['the tar is broken', gzipSync(brokenTar), { message: expect.stringContaining('is broken at byte 3001344') }],
    [
      'the tar is broken, and then the gzip',
      flipped(gzipSync(brokenTar), -8),
      { message: expect.stringContaining('at byte 3001344') },
    ],
    ['the tar is cut', gzipSync(tar.subarray(0, 3e6)), { message: expect.stringContaining('ends in the middle') }],
    ['there is no tar', gzipSync(wordy(new Random(9), 3e6)), { message: expect.stringContaining('at byte 0') }],
    ['there is no gzip', wordy(new Random(9), 3e6), { message: expect.stringContaining('incorrect header') }],
    ['there is nothing', new Uint8Array(), { code: 'ARCHIVE_INVALID' }],
  ])('comes to the same when %s', async (_, bytes, wanted) => {
    const [whole, divided] = await both(bytes)
    expect(divided).toEqual(whole)
    expect(whole).toMatchObject(wanted)
  })

  it('comes to the same whichever byte is wrong', async () => {
    const random = new Random(20261121)
    for (let i = 0; i < 6; i++) {
      const at = random.below(blob.length)
      const bytes = flipped(i % 2 === 0 ? blob : gzipSync(brokenTar), at)
      const [whole, divided] = await both(bytes)
      expect(divided, `byte ${at}`).toEqual(whole)
    }
  })

  it('says that the disk is full', async () => {
    const scans = scansOf()
    const { from } = await place(blob)
    const scan = begin(scans, { from, into: '/dev/full' }, LARGE)
    expect(await outcome(scans, scan, blob.length)).toMatchObject({ code: 'DISK_FULL' })
  })

  it('is given up with the file, and leaves no file open', async () => {
    const scans = scansOf()
    const at = await place(blob)
    const scan = begin(scans, at, LARGE)
    scan.grew(1 << 20)
    scan.ended('gone')
    await expect(scans.waitFor(scan.answer)).rejects.toThrow('given up')
    await scans.close()
    expect(await openBelow(at.from)).toEqual([])
    expect(await openBelow(at.into)).toEqual([])
  })

  it('ends with the thread, whatever that was doing', async () => {
    const scans = scansOf()
    const at = await place(blob)
    const scan = begin(scans, at, LARGE)
    scan.grew(blob.length)
    await scans.close()
    await expect(scan.answer).rejects.toThrow('a scanning thread ended')
    expect(await openBelow(at.into)).toEqual([])
  })

  it('is not divided while another file is looked at', async () => {
    const scans = scansOf()
    const first = begin(scans, await place(blob), 0)
    expect(begin(scans, await place(blob), LARGE)).not.toBeInstanceOf(DividedScan)
    first.ended('gone')
  })
})

/** The descriptors of this process for a file. */
async function openBelow(path: string): Promise<string[]> {
  const names = await readdir('/proc/self/fd')
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return targets.filter((target) => target === path)
}
