import { readdirSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Slice } from '../../src/oci/content.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import type { GzipSource } from '../../src/oci/gzip-source.ts'
import type { File } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { listStore } from '../../src/oci/store-list.ts'
import { pruneStore } from '../../src/oci/store-prune.ts'
import { chunked, descriptorOf, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { filesOf, testStore } from '../support/store.ts'

const tar = archive(
  rawMember({ name: 'words' }, wordy(new Random(8), 1_500_000)),
  rawMember({ name: 'more' }, wordy(new Random(9), 700_000)),
)
const diffId = digestOf(tar)
const blob = gzipSync(tar)
const descriptor = descriptorOf(blob, 'application/vnd.oci.image.layer.v1.tar+gzip')
const layer = { ...descriptor, diffId }
const { signal } = new AbortController()
const never = () => {
  throw new Error('opened')
}

async function* slowly(start: number) {
  for await (const chunk of chunked(blob.subarray(start), 200_000)) {
    await sleep(5)
    yield chunk
  }
}

let template = ''

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'ocibake-blocks-'))
  await using store = await Store.open(template)
  await store.ingestLayer(descriptor, diffId, () => chunked(blob), { blocks: true })
  await store.gzipSource(layer, signal)
})

afterAll(() => rm(template, { recursive: true }))

/** A store with the layer, closed, and the path of the blob's index, which is there if `blocks` says so. */
async function filled(blocks: boolean): Promise<{ readonly root: string; readonly index: string }> {
  const root = join(await testFolder(), 'store')
  const index = join(root, 'blocks', hexOf(descriptor.digest))
  await cp(template, root, { recursive: true })
  if (!blocks) await unlink(index)
  return { root, index }
}

const blocksOf = (source: GzipSource | undefined) => source?.blocks
const workers = () => readdirSync('/proc/self/task').length

describe('Store.gzipSource', () => {
  it('finds the same blocks while a blob arrives slowly, at rest, and in the index', async () => {
    const arriving = await testStore()
    await arriving.ingestLayer(descriptor, diffId, slowly, { blocks: true })
    const blocks = blocksOf(await arriving.gzipSource(layer, signal))
    expect(blocks!.raw.at(-1)).toBe(tar.length)
    const { root, index } = await filled(false)
    const resting = await testStore(root)
    expect(blocksOf(await resting.gzipSource(layer, signal))).toEqual(blocks)
    const kept = await readFile(join(arriving.root, 'blocks', hexOf(descriptor.digest)))
    expect((await readFile(index)).equals(kept)).toBe(true)
    const later = await testStore(root)
    expect(blocksOf(await later.gzipSource(layer, signal))).toEqual(blocks)
  })

  it('names the files that contents of the tree are slices of, and the blob', async () => {
    const store = await testStore()
    await store.ingestLayer(descriptor, diffId, () => chunked(blob), { blocks: true })
    const [source, again] = await Promise.all([store.gzipSource(layer, signal), store.gzipSource(layer, signal)])
    const { content } = (await store.layerTree(diffId)).children.get('words') as File
    expect((content as Slice).file).toBe(source!.file)
    expect(await store.layerTar(diffId)).toBe(source!.file)
    expect((await readFile(source!.blob.path)).equals(blob)).toBe(true)
    expect(again!.blob).toBe(source!.blob)
  })

  it('looks for nothing unless it is asked', async () => {
    const { root } = await filled(false)
    expect(await readdir(join(root, 'blocks'))).toEqual([])
  })

  it('looks when a layer that is there already is taken in again', async () => {
    const { root, index } = await filled(false)
    const store = await testStore(root)
    await store.ingestLayer(descriptor, diffId, never, { blocks: true })
    await store.gzipSource(layer, signal)
    expect((await readFile(index)).length).toBeGreaterThan(0)
  })

  it.each([
    ['zstd', zstdCompressSync(tar), tar],
    ['no compression', tar, tar],
    [
      'gzip of a few bytes',
      gzipSync(archive(rawMember({ name: 'file' }, 'bytes'))),
      archive(rawMember({ name: 'file' }, 'bytes')),
    ],
  ])('has none for a layer with %s', async (_, bytes, raw) => {
    const store = await testStore()
    await store.ingestLayer(descriptorOf(bytes), digestOf(raw), () => chunked(bytes), { blocks: true })
    expect(await store.gzipSource({ ...descriptorOf(bytes), diffId: digestOf(raw) }, signal)).toBeUndefined()
    await store.close()
    expect(await readdir(join(store.root, 'blocks'))).toEqual([])
  })

  it('has none for a blob that is not the layer, though it is gzip', async () => {
    const { root } = await filled(true)
    const store = await testStore(root)
    const other = gzipSync(archive(rawMember({ name: 'other' }, wordy(new Random(1), 900_000))))
    await store.ingestBlob(descriptorOf(other), () => chunked(other))
    expect(await store.gzipSource({ ...descriptorOf(other), diffId }, signal)).toBeUndefined()
  })

  it.each([
    ['has a flipped bit', (bytes: Buffer) => bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte))],
    ['is cut', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['is empty', () => Buffer.alloc(0)],
    [
      'is of another version',
      (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('blocks 1', 'blocks 0'), 'latin1'),
    ],
  ])('makes an index again that %s', async (_, damage) => {
    const { root, index } = await filled(true)
    const whole = await readFile(index)
    await writeFile(index, damage(whole))
    const store = await testStore(root)
    expect(blocksOf(await store.gzipSource(layer, signal))!.raw.at(-1)).toBe(tar.length)
    expect((await readFile(index)).equals(whole)).toBe(true)
  })

  it('looks at a blob before it believes it, and removes one that was damaged', async () => {
    const { root, index } = await filled(false)
    const path = join(root, 'blobs/sha256', hexOf(descriptor.digest))
    await writeFile(
      path,
      blob.map((byte, at) => (at === 4 ? byte ^ 1 : byte)),
    )
    const store = await testStore(root)
    await expect(store.gzipSource(layer, signal)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(readFile(index)).rejects.toMatchObject({ code: 'ENOENT' })
    await store.ingestLayer(descriptor, diffId, () => chunked(blob), { blocks: true })
    expect(blocksOf(await store.gzipSource(layer, signal))!.raw.at(-1)).toBe(tar.length)
  })

  it.each([false, true])('says that a blob is gone (it has an index: %s)', async (blocks) => {
    const { root } = await filled(blocks)
    await unlink(join(root, 'blobs/sha256', hexOf(descriptor.digest)))
    const store = await testStore(root)
    await expect(store.gzipSource(layer, signal)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it('stops with the reason of the signal', async () => {
    const { root } = await filled(false)
    const store = await testStore(root)
    const reason = new Error('interrupted')
    await expect(store.gzipSource(layer, AbortSignal.abort(reason))).rejects.toBe(reason)
    const abort = new AbortController()
    const got = store.gzipSource(layer, abort.signal)
    abort.abort(reason)
    await expect(got).rejects.toBe(reason)
  })

  it.each(['aborts', 'breaks', 'brings other bytes'])(
    'leaves no thread and no file of a download that %s',
    async (how) => {
      const store = await testStore()
      const abort = new AbortController()
      const reason = new Error('interrupted')
      const before = workers()
      let during = 0
      async function* arriving(start: number) {
        yield* chunked(blob.subarray(start, 400_000))
        during = workers()
        if (how === 'aborts') abort.abort(reason)
        if (how === 'breaks') throw reason
        yield blob.subarray(400_001)
        yield Buffer.alloc(1)
      }
      const options = { blocks: true, signal: abort.signal }
      const open = (start: number) => (how === 'breaks' && start > 0 ? never() : arriving(start))
      await expect(store.ingestLayer(descriptor, diffId, open, options)).rejects.toThrow()
      expect(await filesOf(store.root)).toEqual([])
      expect(during).toBeGreaterThan(before)
      await store.close()
      expect(workers()).toBeLessThanOrEqual(before)
    },
  )

  it('looks at many blobs at once, with two threads at most', async () => {
    const store = await testStore()
    const before = workers()
    let most = 0
    const all = [1, 2, 3, 4, 5].map((seed) => {
      const raw = archive(rawMember({ name: 'words' }, wordy(new Random(seed), 500_000)))
      const bytes = gzipSync(raw)
      return { raw, bytes, layer: { ...descriptorOf(bytes), diffId: digestOf(raw) } }
    })
    async function* noting(bytes: Buffer) {
      for await (const chunk of chunked(bytes)) {
        yield chunk
        most = Math.max(most, workers() - before)
      }
    }
    const take = async ({ bytes, layer }: (typeof all)[number]) => {
      await store.ingestLayer(layer, layer.diffId, () => noting(bytes), { blocks: true })
      return await store.gzipSource(layer, signal)
    }
    const found = await Promise.all(all.map(take))
    expect(found.map((source) => source!.blocks.raw.at(-1))).toEqual(all.map(({ raw }) => raw.length))
    expect(most).toBe(2)
  })
})

describe('an index of blocks', () => {
  const others = async (root: string) => (await filesOf(root)).filter((path) => !path.startsWith('cache/'))

  it('counts as a part of its blob, and is pruned with it', async () => {
    const { root, index } = await filled(true)
    const entry = (await listStore({ root })).find(({ kind }) => kind === 'blob')!
    expect(entry.paths).toEqual([index, join(root, 'blobs/sha256', hexOf(descriptor.digest))])
    expect(entry.size).toBe(blob.length + (await readFile(index)).length)
    await pruneStore({ root })
    expect(await others(root)).toEqual([])
  })

  it('is pruned when its blob went another way', async () => {
    const { root } = await filled(true)
    await unlink(join(root, 'blobs/sha256', hexOf(descriptor.digest)))
    await pruneStore({ root })
    expect(await others(root)).toEqual([])
  })

  it('is good for the same blob again, after another process pruned what this one uses', async () => {
    const { root } = await filled(true)
    const store = await Store.open(root)
    await store.ingestLayer(descriptor, diffId, never, { blocks: true })
    await unlink(join(root, 'blobs/sha256', hexOf(descriptor.digest)))
    const source = await store.gzipSource(layer, signal)
    expect((await readFile(source!.blob.path)).equals(blob)).toBe(true)
    await store.close()
  })
})
