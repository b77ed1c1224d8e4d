import { readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readAll } from '../../src/oci/content.ts'
import { type Digest, digestOf, hexOf } from '../../src/oci/digest.ts'
import type { File } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { listStore } from '../../src/oci/store-list.ts'
import { storePaths } from '../../src/oci/store-paths.ts'
import { pruneStore } from '../../src/oci/store-prune.ts'
import { chunked, descriptorOf } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { filesOf, testStore } from '../support/store.ts'

const HOUR = 3_600_000

/** A store, closed again, with blobs of 1000 bytes, the first one used an hour ago, the next two hours ago … */
async function agedStore(count: number): Promise<{ root: string; blobs: Digest[] }> {
  const root = join(await testFolder(), 'store')
  const store = await Store.open(root)
  const blobs: Digest[] = []
  for (let i = 1; i <= count; i++) {
    const digest = await store.putDocument(Buffer.alloc(1000, String(i)))
    const then = new Date(Date.now() - i * HOUR)
    await utimes(join(root, 'blobs/sha256', hexOf(digest)), then, then)
    blobs.push(digest)
  }
  await store.close()
  return { root, blobs }
}

const left = async (root: string) => (await listStore({ root })).map(({ digest }) => digest).sort()

describe('listStore', () => {
  it('tells of each thing what it is, how large, when it was used, and whether it is in use', async () => {
    const store = await testStore()
    const tar = archive(rawMember({ name: 'file' }, 'bytes'))
    const blob = gzipSync(tar)
    await store.ingestLayer(descriptorOf(blob), undefined, () => chunked(blob))
    const entries = await listStore(store)
    expect(entries.map(({ kind, inUse }) => [kind, inUse])).toEqual([
      ['blob', true],
      ['layer', true],
      ['record', false],
    ])
    expect(entries[0]).toMatchObject({ digest: digestOf(blob), size: blob.length })
    expect(entries[1]!.digest).toBe(digestOf(tar))
    expect(entries[1]!.size).toBeGreaterThan(tar.length)
    for (const { lastUsed } of entries) expect(Math.abs(Date.now() - lastUsed)).toBeLessThan(60_000)
    await store.close()
    expect((await listStore(store)).map(({ inUse }) => inUse)).toEqual([false, false, false])
  })

  it('has the file without which an entry does not count last, and no file with a name that the store does not give', async () => {
    const store = await testStore()
    const blob = gzipSync(archive(rawMember({ name: 'file' }, 'bytes')))
    const { diffId } = await store.ingestLayer(descriptorOf(blob), undefined, () => chunked(blob))
    const { blobs, blocks, pieces, layers } = storePaths(store.root)
    const [hex, tar] = [hexOf(digestOf(blob)), hexOf(diffId)]
    for (const folder of [blocks, pieces]) await writeFile(join(folder, hex), 'x')
    for (const path of [
      join(blobs, `${hex}.tar`),
      join(layers, tar),
      join(layers, `${tar}.tar.old`),
      join(blobs, 'x'),
    ]) {
      await writeFile(path, 'x')
    }
    const entries = await listStore(store)
    expect(entries.map(({ paths }) => paths).slice(0, 2)).toEqual([
      [pieces, blocks, blobs].map((folder) => join(folder, hex)),
      [join(layers, `${tar}.index`), join(layers, `${tar}.tar`)],
    ])
    expect(entries).toHaveLength(3)
  })
})

describe('pruneStore', () => {
  it.each([
    ['older than 2.5 hours', { olderThanMilliseconds: 2.5 * HOUR }, [0, 1]],
    ['beyond 2500 bytes', { maxSize: 2500 }, [0, 1]],
    ['beyond 4000 bytes', { maxSize: 4000 }, [0, 1, 2, 3]],
    ['older than 2.5 hours or beyond 1000 bytes', { olderThanMilliseconds: 2.5 * HOUR, maxSize: 1000 }, [0]],
    ['older than 0.5 hours, though there is room', { olderThanMilliseconds: 0.5 * HOUR, maxSize: 4000 }, []],
    ['without any limit', {}, []],
  ])('removes what is %s', async (_, options, kept) => {
    const { root, blobs } = await agedStore(4)
    const report = await pruneStore({ root }, options)
    const staying = kept.map((i) => blobs[i]!).sort()
    expect(await left(root)).toEqual(staying)
    expect(report).toMatchObject({ freed: 1000 * (4 - kept.length), kept: 1000 * kept.length, inUse: 0 })
    expect(report.removed.map(({ digest }) => digest)).toEqual(blobs.filter((one) => !staying.includes(one)).reverse())
  })

  it('counts having looked as use', async () => {
    const { root, blobs } = await agedStore(4)
    const store = await Store.open(root)
    await store.readDocument(blobs[3]!)
    await store.close()
    await pruneStore({ root }, { maxSize: 1000 })
    expect(await left(root)).toEqual([blobs[3]])
  })

  it('leaves an open store able to read what it has seen, and to take in anew what it has not', async () => {
    const store = await testStore()
    const tar = archive(rawMember({ name: 'file' }, 'bytes'))
    const { diffId } = await store.ingestLayer(descriptorOf(tar), undefined, () => chunked(tar))
    const tree = await store.layerTree(diffId)
    expect((await pruneStore(store)).removed.map(({ kind }) => kind)).toEqual(['record'])
    expect((await readAll((tree.children.get('file') as File).content, 10)).toString()).toBe('bytes')
    expect((await readFile(store.blobPath(digestOf(tar)))).equals(tar)).toBe(true)
    await store.close()
    await pruneStore(store)
    expect(await filesOf(store.root)).toEqual([])
    const later = await testStore(store.root)
    await later.ingestLayer(descriptorOf(tar), diffId, () => chunked(tar))
    await later.layerTree(diffId)
  })
})
