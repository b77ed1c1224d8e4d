import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, HostFile } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { directory, EMPTY, FRESH_DIRECTORY, type Node } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { writeLayer } from '../../src/oci/write-layer.ts'
import { collect, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'

const signal = new AbortController().signal
const attrs = { ...FRESH_DIRECTORY, mode: 0o644 }
const file = (bytes: Uint8Array | string): Node => ({ kind: 'file', attrs, content: bytesContent(bytes) })
const layer = directory(
  new Map<string, Node>([
    ['etc', directory(new Map([['passwd', file('root:x:0:0::/root:/bin/sh\n')]]), FRESH_DIRECTORY)],
    ['large', file(wordy(new Random(5), 5_000_000))],
    ...Array.from({ length: 100 }, (_, i): [string, Node] => [`small-${i}`, file(wordy(new Random(i), 20_000))]),
  ]),
  FRESH_DIRECTORY,
)

async function testStore(): Promise<Store> {
  const store = await Store.open(join(await testFolder(), 'store'))
  onTestFinished(() => store.close())
  return store
}

describe('writeLayer', { timeout: 60_000 }, () => {
  it.each([
    ['gzip', 'oci', 'application/vnd.oci.image.layer.v1.tar+gzip', 'gzip -dc'],
    ['zstd', 'oci', 'application/vnd.oci.image.layer.v1.tar+zstd', 'zstd -dc'],
    ['none', 'oci', 'application/vnd.oci.image.layer.v1.tar', 'cat'],
    ['gzip', 'docker', 'application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip -dc'],
  ] as const)(
    'writes %s for %s that GNU tools read, with both digests',
    async (compression, mediaTypes, type, tool) => {
      const store = await testStore()
      const progress: number[] = []
      const onProgress = (rawBytes: number) => progress.push(rawBytes)
      const written = await writeLayer(store, layer, { compression, mediaTypes, signal, onProgress })
      const bytes = await collect(store.openBlob(written.digest))
      expect(written).toMatchObject({ mediaType: type, digest: digestOf(bytes), size: bytes.length })
      const blob = store.blobPath(written.digest)
      const tar = execFileSync('sh', ['-c', `${tool} < '${blob}'`], { maxBuffer: 2 ** 26 })
      expect(digestOf(tar)).toBe(written.diffId)
      expect(progress.at(-1)).toBe(tar.length)
      const names = execFileSync('tar', ['-t'], { input: tar }).toString().split('\n')
      expect(names).toHaveLength(105)
      expect(names.slice(0, 4)).toEqual(['./', 'etc/', 'etc/passwd', 'large'])
    },
  )

  it('gives a layer that the store takes in again as the same tree', async () => {
    const store = await testStore()
    const written = await writeLayer(store, layer, { compression: 'gzip', mediaTypes: 'oci', signal })
    await store.ingestLayer(written, written.diffId, () => {
      throw new Error('opened')
    })
    const tree = apply(EMPTY, await store.layerTree(written.diffId))
    const again = await writeLayer(store, tree, { compression: 'gzip', mediaTypes: 'oci', signal })
    expect(again).toEqual(written)
  })

  it('keeps the order when a thread cannot read what only the main thread can, whether it has been written before or not', async () => {
    const options = { compression: 'gzip', mediaTypes: 'oci', signal } as const
    const bytes = wordy(new Random(6), 300_000)
    /** Gone, for all that a thread can see. */
    class OutOfReach extends HostFile {
      override async *open(): AsyncGenerator<Uint8Array> {
        yield bytes
      }
    }
    const gone = new OutOfReach(Buffer.from('/gone'), { size: bytes.length, mtimeNs: 0n, ino: 0n })
    const treeOf = (second: Node) => directory(new Map([...layer.children, ['f', second]]), FRESH_DIRECTORY)
    const want = await writeLayer(await testStore(), treeOf(file(bytes)), options)
    const store = await testStore()
    for (let turn = 0; turn < 2; turn++) {
      expect(await writeLayer(store, treeOf({ kind: 'file', attrs, content: gone }), options)).toEqual(want)
    }
  })

  it('gives the same layer whether the store knows its pieces or not, and whatever has become of them', async () => {
    const options = { compression: 'gzip', mediaTypes: 'oci', signal } as const
    const changed = directory(new Map([...layer.children, ['small-50', file('changed')]]), FRESH_DIRECTORY)
    const want = await writeLayer(await testStore(), changed, options)
    const store = await testStore()
    const first = await writeLayer(store, layer, options)
    expect(await writeLayer(store, changed, options)).toEqual(want)
    const bytes = await collect(store.openBlob(want.digest))
    expect(digestOf(bytes)).toBe(want.digest)

    for (const digest of [first.digest, want.digest]) {
      await rm(store.blobPath(digest))
      await writeFile(join(store.root, 'blobs/sha256', digest.slice(7)), Buffer.alloc(bytes.length, 'damaged'))
    }
    expect(await writeLayer(store, changed, options)).toEqual(want)
    expect(digestOf(await collect(store.openBlob(want.digest)))).toBe(want.digest)
    await rm(join(store.root, 'blobs'), { recursive: true })
    await mkdir(join(store.root, 'blobs/sha256'), { recursive: true })
    expect(await writeLayer(store, changed, options)).toEqual(want)
    expect(await readdir(join(store.root, 'pieces'))).toEqual([want.digest.slice(7)])
  })

  it('stores nothing when a content fails or the signal aborts', async () => {
    const store = await testStore()
    const broken = new Error('gone')
    const failing: Node = {
      kind: 'file',
      attrs,
      content: {
        size: 3_000_000,
        async *open() {
          yield Buffer.alloc(2_000_000)
          throw broken
        },
      },
    }
    const options = { compression: 'gzip', mediaTypes: 'oci' } as const
    const bad = directory(new Map([...layer.children, ['z', failing]]), FRESH_DIRECTORY)
    await expect(writeLayer(store, bad, { ...options, signal })).rejects.toBe(broken)
    const aborted = AbortSignal.abort(broken)
    await expect(writeLayer(store, layer, { ...options, signal: aborted })).rejects.toBe(broken)
    for (const folder of ['blobs/sha256', 'pieces']) expect(await readdir(join(store.root, folder))).toEqual([])
    const [session] = await readdir(join(store.root, 'tmp'))
    expect(await readdir(join(store.root, 'tmp', session!))).toEqual(['pins'])
  })
})
