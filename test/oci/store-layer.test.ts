import { execFileSync } from 'node:child_process'
import { readdir, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readAll } from '../../src/oci/content.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import type { Directory } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { chunked, descriptorOf, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { filesOf, testStore } from '../support/store.ts'

const big = wordy(new Random(2), 700_000)
const tar = archive(
  rawMember({ name: 'etc/', flag: '5', mode: '0000755\0' }),
  rawMember({ name: 'etc/passwd' }, 'root:x:0:0::/root:/bin/sh\n'),
  rawMember({ name: 'etc/\xff\n' }, 'odd'),
  rawMember({ name: 'big' }, big),
)
const diffId = digestOf(tar)
const blob = gzipSync(tar)
const descriptor = descriptorOf(blob, 'application/vnd.oci.image.layer.v1.tar+gzip')
const from = (source: Uint8Array) => (start: number) => chunked(source.subarray(start))
const never = () => {
  throw new Error('opened')
}

async function textOf(tree: Directory, ...path: string[]): Promise<string> {
  let node: unknown = tree
  for (const name of path) node = (node as Directory).children.get(name)
  return (await readAll((node as { content: Parameters<typeof readAll>[0] }).content, 2 ** 20)).toString('latin1')
}

async function checkTree(store: Store): Promise<void> {
  const tree = await store.layerTree(diffId)
  expect([...tree.children.keys()].sort()).toEqual(['big', 'etc'])
  expect(await textOf(tree, 'etc', 'passwd')).toBe('root:x:0:0::/root:/bin/sh\n')
  expect(await textOf(tree, 'etc', '\xff\n')).toBe('odd')
  expect(await textOf(tree, 'big')).toBe(big.toString('latin1'))
}

describe('Store.ingestLayer', () => {
  it.each([
    ['gzip', blob],
    ['gzip of several members', Buffer.concat([gzipSync(tar.subarray(0, 5000)), gzipSync(tar.subarray(5000))])],
    ['zstd', execFileSync('zstd', ['-c'], { input: tar })],
    ['no compression', tar],
  ])('takes in a layer with %s, whatever its media type says', async (_, bytes) => {
    const store = await testStore()
    const wanted = descriptorOf(bytes, descriptor.mediaType)
    const stored = await store.ingestLayer(wanted, diffId, from(bytes))
    expect(stored).toEqual({ mediaType: wanted.mediaType, digest: wanted.digest, size: wanted.size, diffId })
    await checkTree(store)
    expect(await store.ingestLayer(wanted, undefined, never)).toEqual(stored)
    await store.close()
    const files = (await filesOf(store.root)).filter((path) => !path.startsWith('cache/'))
    expect(files).toEqual([
      `blobs/sha256/${hexOf(wanted.digest)}`,
      `layers/${hexOf(diffId)}.index`,
      `layers/${hexOf(diffId)}.tar`,
      `layers/${hexOf(diffId)}.tree`,
    ])
  })

  it('finds the layer again in another process’s store without opening anything', async () => {
    const store = await testStore()
    await store.ingestLayer(descriptor, diffId, from(blob))
    const later = await testStore(store.root)
    await later.ingestLayer(descriptor, diffId, never)
    await checkTree(later)
  })

  it('refuses a diffId that is another, also when the layer is there', async () => {
    const store = await testStore()
    const wrong = digestOf('wrong')
    const refused = { code: 'DIFF_ID_MISMATCH', message: expect.stringMatching(`${diffId}.*${wrong}`) }
    await expect(store.ingestLayer(descriptor, wrong, from(blob))).rejects.toMatchObject(refused)
    expect(await filesOf(store.root)).toEqual([])
    await store.ingestLayer(descriptor, diffId, from(blob))
    await expect(store.ingestLayer(descriptor, wrong, from(blob))).rejects.toMatchObject(refused)
  })

  const cutTar = gzipSync(tar.subarray(0, 3000))
  const badTar = gzipSync(Buffer.alloc(5000, 'not a tar '))
  const cutGzip = blob.subarray(0, -100)
  it.each([
    ['a tar that stops in the middle', cutTar],
    ['no tar at all', badTar],
    ['gzip that was cut before it was hashed', cutGzip],
    ['gzip with garbage behind it', Buffer.concat([blob, Buffer.from('garbage')])],
    ['xz', execFileSync('xz', ['-c'], { input: tar })],
  ])('refuses %s as a layer, and keeps nothing', async (_, bytes) => {
    const store = await testStore()
    const got = store.ingestLayer(descriptorOf(bytes), undefined, from(bytes))
    await expect(got).rejects.toMatchObject({ code: 'LAYER_INVALID' })
    expect(await filesOf(store.root)).toEqual([])
  })

  it.each([
    ['cut', blob.subarray(0, -100)],
    ['altered', Buffer.concat([blob.subarray(0, 1000), Buffer.from([blob[1000]! ^ 255]), blob.subarray(1001)])],
    ['of other compressed bytes', gzipSync(tar, { level: 1 })],
    ['continued', Buffer.concat([blob, Buffer.alloc(512)])],
    ['an HTML page', Buffer.from('<html>Sign in</html>')],
  ])('calls a blob that is %s a mismatch, not a bad layer', async (_, bytes) => {
    const store = await testStore()
    const got = store.ingestLayer(descriptor, diffId, from(bytes))
    await expect(got).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
    expect(await filesOf(store.root)).toEqual([])
  })

  it.each([
    ['the raw tar is missing', '.tar', unlink],
    ['the raw tar is cut', '.tar', (path: string) => truncate(path, 1000)],
    ['the index is missing', '.index', unlink],
    ['the index is cut', '.index', (path: string) => truncate(path, 200)],
    ['the index is not JSON', '.index', (path: string) => writeFile(path, 'x\ny')],
    ['the index is of no layer', '.index', (path: string) => writeFile(path, 'null\n[]')],
  ])('makes the layer again from the blob, without opening anything, when %s', async (_, file, damage) => {
    const root = join(await testFolder(), 'store')
    const first = await Store.open(root)
    await first.ingestLayer(descriptor, diffId, from(blob))
    await first.close()
    await damage(join(root, 'layers', hexOf(diffId) + file))
    const store = await testStore(root)
    await store.ingestLayer(descriptor, diffId, never)
    await checkTree(store)
  })

  it('fetches the blob again when layer and blob are both damaged', async () => {
    const root = join(await testFolder(), 'store')
    const first = await Store.open(root)
    await first.ingestLayer(descriptor, diffId, from(blob))
    await first.close()
    await unlink(join(root, 'layers', `${hexOf(diffId)}.tar`))
    const altered = Buffer.from(blob)
    altered[500] = altered[500]! ^ 4
    await writeFile(join(root, 'blobs/sha256', hexOf(descriptor.digest)), altered)
    const store = await testStore(root)
    await expect(store.ingestLayer(descriptor, diffId, never)).rejects.toThrow('opened')
    await store.ingestLayer(descriptor, diffId, from(blob))
    await checkTree(store)
  })

  it('stops with the reason of the signal, and keeps nothing', async () => {
    const store = await testStore()
    const abort = new AbortController()
    const reason = new Error('interrupted')
    const options = { signal: abort.signal, onProgress: () => abort.abort(reason) }
    const slow = (start: number) => chunked(blob.subarray(start), 1000)
    await expect(store.ingestLayer(descriptor, diffId, slow, options)).rejects.toBe(reason)
    expect(await filesOf(store.root)).toEqual([])
  })

  it('lets many take in the same layer at once', async () => {
    const store = await testStore()
    const other = await testStore(store.root)
    const all = [store, other, store, other].map((one) => one.ingestLayer(descriptor, diffId, from(blob)))
    await Promise.all(all)
    await checkTree(store)
    await checkTree(other)
  })
})

describe('Store.ingestTar', () => {
  it('indexes a tar, and does not touch the bytes when its key is known', async () => {
    const store = await testStore()
    const key = digestOf('s3://bucket/key etag')
    expect(await store.findTar(key)).toBeUndefined()
    const got = await store.ingestTar(chunked(tar), { key })
    expect(got.diffId).toBe(diffId)
    expect(Array.from(got.entries(), (entry) => entry.path)).toEqual(['etc/', 'etc/passwd', 'etc/\xff\n', 'big'])
    const read = new Error('read')
    const untouched = (): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]() {
        throw read
      },
    })
    const later = await testStore(store.root)
    expect((await later.ingestTar(untouched(), { key })).entries()).toEqual(got.entries())
    expect((await later.findTar(key))?.diffId).toBe(diffId)
    await expect(later.ingestTar(untouched(), { key: digestOf('other') })).rejects.toBe(read)
  })

  it('refuses what is no tar, and keeps nothing', async () => {
    const store = await testStore()
    const got = store.ingestTar(chunked(Buffer.from('<html>'.repeat(100))), { key: digestOf('k') })
    await expect(got).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
    expect(await filesOf(store.root)).toEqual([])
    expect(await readdir(join(store.root, 'layers'))).toEqual([])
  })
})
