import { cp, mkdtemp, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { Store } from '../../src/oci/store.ts'
import { verifyStore } from '../../src/oci/store-verify.ts'
import { chunked, descriptorOf, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { filesOf, testStore } from '../support/store.ts'

const tar = archive(rawMember({ name: 'file' }, wordy(new Random(6), 300_000)))
const blob = gzipSync(tar)

let template = ''

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'ocibake-verify-'))
  await using store = await Store.open(template)
  await store.ingestLayer(descriptorOf(blob), undefined, () => chunked(blob))
  await store.layerTree(digestOf(tar))
  await store.gzipSource({ ...descriptorOf(blob), diffId: digestOf(tar) }, new AbortController().signal)
  await store.pieces.keep(digestOf(blob), [{ key: Buffer.alloc(32, 'key'), offset: 0, size: blob.length, crc: 1 }])
  await store.putDocument(Buffer.from('{}'))
  await store.set(digestOf('key'), { some: 'record' })
})

afterAll(() => rm(template, { recursive: true }))

/** A store, closed, with one thing of each kind. */
async function filled(): Promise<{ readonly root: string }> {
  const root = join(await testFolder(), 'store')
  await cp(template, root, { recursive: true })
  return { root }
}

describe('verifyStore', () => {
  it('finds nothing wrong with a store as it was written, and leaves the times of last use', async () => {
    const store = await filled()
    const path = join(store.root, 'blobs/sha256', digestOf(blob).slice(7))
    await utimes(path, 1000, 1000)
    const files = await filesOf(store.root)
    const report = await verifyStore(store)
    expect(report).toMatchObject({ checked: 5, damaged: [] })
    expect(report.bytes).toBeGreaterThan(tar.length + blob.length)
    expect(await filesOf(store.root)).toEqual(files)
    expect((await stat(path)).mtimeMs).toBe(1_000_000)
  })

  const damages: [string, (path: string) => Promise<void>][] = [
    ['a flipped bit', flip],
    ['its end missing', async (path) => truncate(path, (await stat(path)).size - 1)],
    ['nothing left', (path) => truncate(path, 0)],
    ['a byte too many', async (path) => writeFile(path, 'x', { flag: 'a' })],
  ]
  const kinds: [string, RegExp][] = [
    ['blob', /^blobs/],
    ['blob', /^pieces/],
    ['blob', /^blocks/],
    ['layer', /\.tar$/],
    ['layer', /\.index$/],
    ['layer', /\.tree$/],
    ['record', /^cache/],
  ]
  it.each(damages.flatMap(([how, damage]) => kinds.map(([kind, file]) => ({ how, damage, kind, file }))))(
    'finds and removes a $kind ($file) with $how, and the store works on',
    async ({ damage, kind, file }) => {
      const store = await filled()
      const before = await filesOf(store.root)
      const path = before.find((one) => file.test(one))!
      await damage(join(store.root, path))
      const { damaged } = await verifyStore(store)
      expect(damaged.map(({ entry }) => entry.kind)).toEqual([kind])
      expect(damaged[0]!.problem).toMatch(/hash to|is not what was written|does not match/)
      const nameOf = (one: string) => basename(one).replace(/\.(tar|index|tree)$/, '')
      // What is made of the rest of a blob or layer goes alone: 100 MB are not to be fetched again for it.
      const isExtra = /^pieces|^blocks|\.tree$/.test(path)
      const removed = before.filter((one) => (isExtra ? one === path : nameOf(one) === nameOf(path)))
      expect(damaged[0]!.removed.toSorted()).toEqual(removed.map((one) => join(store.root, one)).toSorted())
      expect(await filesOf(store.root)).toEqual(before.filter((one) => !removed.includes(one)))
      expect((await verifyStore(store)).damaged).toEqual([])
      const again = await testStore(store.root)
      await again.ingestLayer(descriptorOf(blob), digestOf(tar), () => chunked(blob))
      await again.layerTree(digestOf(tar))
    },
  )
})

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(path, bytes)
}
