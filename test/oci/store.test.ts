import { chmod, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { Store } from '../../src/oci/store.ts'
import { chunked, collect, descriptorOf, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { filesOf, testStore } from '../support/store.ts'

const bytes = wordy(new Random(11), 3_000_000)
const descriptor = descriptorOf(bytes)
const from = (source: Uint8Array) => (start: number) => chunked(source.subarray(start))
const never = () => {
  throw new Error('opened')
}

describe('Store.ingestBlob', () => {
  it('stores a blob, says how it goes on, and opens nothing the second time', async () => {
    const store = await testStore()
    const progress: number[] = []
    expect(await store.has(descriptor.digest)).toBe(false)
    await store.ingestBlob(descriptor, from(bytes), { onProgress: (done) => progress.push(done) })
    expect(progress.at(-1)).toBe(bytes.length)
    await store.ingestBlob(descriptor, never)
    expect(await store.has(descriptor.digest)).toBe(true)
    expect(await store.blobSize(descriptor.digest)).toBe(bytes.length)
    expect((await readFile(store.blobPath(descriptor.digest))).equals(bytes)).toBe(true)
    expect((await collect(store.openBlob(descriptor.digest))).equals(bytes)).toBe(true)
    expect((await collect(store.openBlob(descriptor.digest, 2_999_990))).equals(bytes.subarray(-10))).toBe(true)
    expect(await filesOf(store.root)).toHaveLength(1)
  })

  it('stores an empty blob', async () => {
    const store = await testStore()
    await store.ingestBlob(descriptorOf(Buffer.alloc(0)), from(Buffer.alloc(0)))
    expect(await collect(store.openBlob(digestOf('')))).toHaveLength(0)
  })

  const other = Buffer.from(bytes)
  other[1_500_000] = other[1_500_000]! ^ 1
  it.each([
    ['too short', bytes.subarray(0, -1), /ended after 2999999 bytes; wanted 3000000/],
    ['empty', Buffer.alloc(0), /ended after 0 bytes; wanted 3000000/],
    ['too long', Buffer.concat([bytes, Buffer.alloc(1)]), /goes on after 3000000 bytes/],
    ['altered', other, new RegExp(`${descriptor.digest} hash to ${digestOf(other)}`)],
  ])('refuses bytes that are %s, and keeps nothing of them', async (_, wrong, message) => {
    const store = await testStore()
    const refused = { code: 'BLOB_MISMATCH', message: expect.stringMatching(message) }
    await expect(store.ingestBlob(descriptor, from(wrong))).rejects.toMatchObject(refused)
    await expect(store.ingestLayer(descriptor, undefined, from(wrong))).rejects.toMatchObject(refused)
    expect(await filesOf(store.root)).toEqual([])
    await store.ingestBlob(descriptor, from(bytes))
    expect(await store.has(descriptor.digest)).toBe(true)
  })

  it('stops reading an endless blob where its size ends', async () => {
    const store = await testStore()
    let given = 0
    async function* endless() {
      for (;;) {
        given += 100_000
        yield Buffer.alloc(100_000)
      }
    }
    await expect(store.ingestBlob(descriptor, endless)).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
    expect(given).toBeLessThanOrEqual(bytes.length + 100_000)
  })

  it.each(['an error', 'an early end'])('goes on after %s from where it was', async (how) => {
    const store = await testStore()
    const starts: number[] = []
    async function* breaking(start: number) {
      starts.push(start)
      yield bytes.subarray(start, start + 900_000)
      if (how === 'an error' && start + 900_000 < bytes.length) throw new Error('connection reset')
    }
    await store.ingestBlob(descriptor, breaking)
    expect(starts).toEqual([0, 900_000, 1_800_000, 2_700_000])
  })

  it('gives up a source that only ever breaks, with its error', async () => {
    const store = await testStore()
    let opened = 0
    const broken = new Error('connection reset')
    async function* breaking(start: number) {
      opened++
      yield bytes.subarray(start, start + 1)
      throw broken
    }
    await expect(store.ingestBlob(descriptor, breaking)).rejects.toBe(broken)
    expect(opened).toBeLessThanOrEqual(6)
    expect(await filesOf(store.root)).toEqual([])
  })

  it('stops with the reason of the signal, and keeps nothing', async () => {
    const store = await testStore()
    const abort = new AbortController()
    const reason = new Error('interrupted')
    const onProgress = () => abort.abort(reason)
    const options = { signal: abort.signal, onProgress }
    await expect(store.ingestBlob(descriptor, from(bytes), options)).rejects.toBe(reason)
    expect(await filesOf(store.root)).toEqual([])
  })

  it('lets many take in the same blob at once', async () => {
    const store = await testStore()
    const another = await testStore(store.root)
    const stores = [store, another, store, another, store]
    await Promise.all(stores.map((one) => one.ingestBlob(descriptor, from(bytes))))
    expect((await collect(another.openBlob(descriptor.digest))).equals(bytes)).toBe(true)
    expect(await filesOf(store.root)).toHaveLength(1)
  })

  it('fetches a blob anew that has become shorter on the disk', async () => {
    const root = join(await testFolder(), 'store')
    await Store.open(root).then(async (store) => {
      await store.ingestBlob(descriptor, from(bytes))
      await store.close()
    })
    const path = join(root, 'blobs/sha256', descriptor.digest.slice(7))
    await truncate(path, 1000)
    const store = await testStore(root)
    await store.ingestBlob(descriptor, from(bytes))
    expect((await readFile(path)).equals(bytes)).toBe(true)
    expect((await collect(store.openBlob(descriptor.digest))).equals(bytes)).toBe(true)
  })
})

describe('Store documents', () => {
  const document = Buffer.from('{"schemaVersion":2}')

  it('come back as they were put', async () => {
    const store = await testStore()
    const digest = await store.putDocument(document)
    expect(digest).toBe(digestOf(document))
    expect(await store.putDocument(document)).toBe(digest)
    expect((await store.readDocument(digest)).equals(document)).toBe(true)
  })

  it('are refused above the limit', async () => {
    const store = await testStore()
    const digest = await store.putDocument(document)
    await expect(store.readDocument(digest, 18)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })

  it('are removed when they are damaged, so that the next run fetches them', async () => {
    const store = await testStore()
    const digest = await store.putDocument(document)
    await writeFile(join(store.root, 'blobs/sha256', digest.slice(7)), '{"schemaVersion":1}')
    await expect(store.readDocument(digest)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    expect(await store.has(digest)).toBe(false)
    await store.putDocument(document)
    expect((await store.readDocument(digest)).equals(document)).toBe(true)
  })

  it('and blobs that are missing are an error that says so', async () => {
    const store = await testStore()
    const missing: Digest = digestOf('missing')
    const refused = { code: 'STORE_CORRUPT', message: expect.stringContaining(missing) }
    await expect(store.readDocument(missing)).rejects.toMatchObject(refused)
    await expect(collect(store.openBlob(missing))).rejects.toMatchObject(refused)
    await expect(store.layerTree(missing)).rejects.toMatchObject(refused)
  })
})

describe('Store.openBlob', () => {
  it('notices a flipped byte at the end, and removes the blob', async () => {
    const store = await testStore()
    await store.ingestBlob(descriptor, from(bytes))
    const altered = Buffer.from(bytes)
    altered[7] = altered[7]! ^ 1
    await writeFile(store.blobPath(descriptor.digest), altered)
    await expect(collect(store.openBlob(descriptor.digest))).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    expect(await store.has(descriptor.digest)).toBe(false)
  })
})

describe('Store records', () => {
  it('come back as they were set, the last one', async () => {
    const store = await testStore()
    const key = digestOf('key')
    expect(await store.get(key)).toBeUndefined()
    await store.set(key, { a: [1, null, 'é'] })
    await store.set(key, 'second')
    await store.set(digestOf('another'), null)
    expect(await store.get(key)).toBe('second')
    expect(await store.get(digestOf('another'))).toBeNull()
  })

  it.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, 40)],
    ['empty', () => Buffer.alloc(0)],
    ['altered', (bytes: Buffer) => Buffer.from(bytes.toString().replace('first', 'other'))],
  ])('that are %s count as missing', async (_, damage) => {
    const store = await testStore()
    const key = digestOf('key')
    await store.set(key, 'first')
    const path = join(store.root, 'cache', key.slice(7))
    await writeFile(path, damage(await readFile(path)))
    expect(await store.get(key)).toBeUndefined()
    await store.set(key, 'again')
    expect(await store.get(key)).toBe('again')
  })

  it('do not answer to another key', async () => {
    const store = await testStore()
    await store.set(digestOf('one'), 1)
    const bytes = await readFile(join(store.root, 'cache', digestOf('one').slice(7)))
    await writeFile(join(store.root, 'cache', digestOf('two').slice(7)), bytes)
    expect(await store.get(digestOf('two'))).toBeUndefined()
  })
})

describe('Store.open', () => {
  it('makes a folder for its owner alone', async () => {
    const store = await testStore()
    expect((await stat(store.root)).mode & 0o777).toBe(0o700)
  })

  it('says what is wrong with a place that is no folder', async () => {
    const file = join(await testFolder(), 'file')
    await writeFile(file, '')
    await chmod(file, 0o600)
    await expect(Store.open(file)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining(file),
      hint: expect.stringContaining('--cache-dir'),
    })
  })

  it('leaves nothing in tmp when it is closed', async () => {
    const store = await Store.open(join(await testFolder(), 'store'))
    await store.workFolder('work')
    await store.spool()
    await store.close()
    await store.close()
    expect(await filesOf(store.root)).toEqual([])
  })
})
