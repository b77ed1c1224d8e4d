import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { bytesContent } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { IndexWriter, readIndex } from '../../src/oci/layer-index.ts'
import { LayerBuilder } from '../../src/oci/layer-read.ts'
import { layerMembers } from '../../src/oci/layer-tar.ts'
import { parsePax, paxRecord } from '../../src/oci/pax.ts'
import type { TarEntry } from '../../src/oci/tar-entry.ts'
import { END_OF_ARCHIVE } from '../../src/oci/tar-header.ts'
import { damages } from '../support/damage.ts'
import { fuzz, orRefused } from '../support/fuzz.ts'
import { damagedArchive, honestArchives } from '../support/fuzz-archives.ts'
import { Random } from '../support/random-tree.ts'
import { scan } from '../support/raw-tar.ts'

let archives: Buffer[]
beforeAll(() => {
  archives = honestArchives()
})

const damaged = damagedArchive(() => archives)
const read = (bytes: Buffer, random?: Random) =>
  orRefused(['ARCHIVE_INVALID', 'ARCHIVE_UNSAFE'], () => scan(bytes, random))

test('a damaged archive is read or refused, in the same words however it is cut into chunks', () => {
  let accepted = 0
  fc.assert(
    fc.property(damaged, fc.nat(), (bytes, seed) => {
      const whole = read(bytes)
      const inChunks = read(bytes, new Random(seed))
      if (whole instanceof OcibakeError) expect(inChunks).toMatchObject({ message: whole.message })
      else {
        accepted++
        expect(inChunks).toEqual(whole)
      }
    }),
    fuzz(600),
  )
  expect(accepted).toBeGreaterThan(60)
})

test('what is read of a damaged archive is within the archive, and within what a filesystem has', () => {
  const within = (bytes: Buffer, entry: TarEntry) => {
    const { data, size, mode, uid, gid, mtime, major, minor } = entry
    expect([mode, uid, gid].every((one) => one >= 0)).toBe(true)
    expect([mode <= 0o7777, uid < 2 ** 32 - 1, gid < 2 ** 32 - 1, major < 4096, minor < 2 ** 20]).not.toContain(false)
    expect([size, mtime].every(Number.isSafeInteger)).toBe(true)
    let end = 0
    for (const extent of data) {
      expect(extent.size > 0 && extent.at >= end && extent.at + extent.size <= size).toBe(true)
      expect(extent.offset + extent.size).toBeLessThanOrEqual(bytes.length)
      end = extent.at + extent.size
    }
    if (entry.type !== 'file') expect([size, data.length]).toEqual([0, 0])
  }
  fc.assert(
    fc.property(damaged, (bytes) => {
      const entries = read(bytes)
      if (entries instanceof OcibakeError) return
      expect(entries.length).toBeLessThanOrEqual(bytes.length / 512)
      for (const entry of entries) within(bytes, entry)
    }),
    fuzz(300),
  )
})

test('the index gives back exactly what was read', () => {
  fc.assert(
    fc.property(damaged, (bytes) => {
      const entries = read(bytes)
      if (entries instanceof OcibakeError) return
      const writer = new IndexWriter()
      for (const entry of entries) writer.add(entry)
      const diffId = digestOf(bytes)
      const plain = (entry: TarEntry) => ({
        ...entry,
        xattrs: [...entry.xattrs].map(([name, value]) => [name, [...value]]),
      })
      const back = readIndex(writer.finish(diffId, bytes.length, new Uint32Array()), diffId).entries()
      expect([...back].map(plain)).toEqual(entries.map(plain))
    }),
    fuzz(300),
  )
})

test('a layer of any members is made or refused, and is the same after it was written and read', () => {
  let made = 0
  const layerOf = (entries: readonly TarEntry[]) => {
    const builder = new LayerBuilder()
    for (const entry of entries) builder.add(entry, () => bytesContent(''))
    return builder.finish()
  }
  const headers = (layer: ReturnType<typeof layerOf>) =>
    Buffer.concat([...layerMembers(layer)].map(({ header }) => header))
  fc.assert(
    fc.property(damaged, (bytes) => {
      const entries = read(bytes)
      if (entries instanceof OcibakeError) return
      const layer = orRefused(['LAYER_INVALID'], () => layerOf(entries))
      if (layer instanceof OcibakeError) return
      const written = orRefused(['LAYER_INVALID', 'PATH_INVALID'], () => headers(layer))
      if (written instanceof OcibakeError) return
      made++
      const again = scan(Buffer.concat([written, END_OF_ARCHIVE]))
      expect(headers(layerOf(again)).equals(written)).toBe(true)
    }),
    fuzz(400),
  )
  expect(made).toBeGreaterThan(30)
})

test('PAX records are what was written, the last of each key, whatever they hold', () => {
  const key = fc.string({ unit: 'binary', minLength: 1 }).map((text) => Buffer.from(text).toString('latin1'))
  const record = fc.tuple(
    key.filter((name) => !/[=\0]/.test(name) && !name.startsWith('GNU.sparse.')),
    fc.uint8Array(),
  )
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const body = Buffer.concat(records.map(([name, value]) => paxRecord(name, value)))
      const strings = records.filter(([name]) => ['path', 'linkpath', 'uname', 'gname'].includes(name))
      fc.pre(!strings.some(([, value]) => value.includes(0)))
      expect(new Map([...parsePax(body)].map(([name, value]) => [name, [...value]]))).toEqual(
        new Map(records.map(([name, value]) => [name, [...value]])),
      )
    }),
    fuzz(300),
  )
})

test('damaged PAX headers are read or refused, and what is read is written and read as the same', () => {
  const records = [
    ...[['mtime', '1700000000.123456789'] as const, ['path', 'a'] as const, ['linkpath', 'b/c/d/e'] as const],
    ...[['SCHILY.xattr.a', '\0\xff'] as const, ['GNU.sparse.offset', '1'] as const],
    ...[['GNU.sparse.numbytes', '2'] as const, ['GNU.sparse.map', '1,2,3,4'] as const],
  ]
  const body = Buffer.concat(records.map(([name, value]) => paxRecord(name, value)))
  expect(() => parsePax(body)).not.toThrow()
  fc.assert(
    fc.property(damages(), (spoil) => {
      const found = orRefused(['ARCHIVE_INVALID'], () => parsePax(spoil(body)))
      if (found instanceof OcibakeError) return
      const written = Buffer.concat([...found].map(([name, value]) => paxRecord(name, value)))
      expect(parsePax(written)).toEqual(found)
    }),
    fuzz(500),
  )
})
