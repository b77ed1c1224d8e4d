import { readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import type { Store } from '../../src/oci/store.ts'
import { chunked, descriptorOf, wordy } from '../support/bytes.ts'
import { Random } from '../support/random-tree.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { filesOf, testStore } from '../support/store.ts'

const tar = archive(
  rawMember({ name: 'folder/', flag: '5' }),
  rawMember({ name: 'folder/words' }, wordy(new Random(4), 600_000)),
  rawMember({ name: 'link', flag: '2', target: 'folder/words' }),
)
const blob = gzipSync(tar)
const descriptor = descriptorOf(blob)
const never = () => {
  throw new Error('opened')
}

/** Takes a blob in, by a thread. */
const take = (
  store: Store,
  bytes: Buffer,
  of = descriptorOf(bytes),
  diffId = undefined as undefined | typeof of.digest,
) => store.ingestLayer(of, diffId, () => chunked(bytes), { blocks: true })

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at < 0 ? bytes.length + at : at]! ^= 0x10
  return copy
}

describe('a gzip layer that a thread unpacks', () => {
  it('leaves in the store what the main thread would', async () => {
    const [beside, here] = [await testStore(), await testStore()]
    await take(beside, blob)
    await here.ingestLayer(descriptor, undefined, () => chunked(blob))
    for (const name of [`${hexOf(digestOf(tar))}.tar`, `${hexOf(digestOf(tar))}.index`]) {
      const [one, other] = await Promise.all([beside, here].map(({ root }) => readFile(join(root, 'layers', name))))
      expect(one!.equals(other!)).toBe(true)
    }
  })

  it.each([
    ['a byte of its checksum is wrong', flipped(blob, -8), 'incorrect data check'],
    ['a byte in its middle is wrong', flipped(blob, blob.length >> 1), /is damaged gzip data|is broken/],
    ['its end is missing', blob.subarray(0, -9), 'unexpected end of file'],
    ['something follows it', Buffer.concat([blob, Buffer.from('more')]), 'something follows its last member'],
    ['it holds no tar', gzipSync(wordy(new Random(5), 600_000)), 'header'],
    ['its tar ends in a file', gzipSync(tar.subarray(0, 300_000)), 'ends in the middle'],
  ])('is refused when %s, if these are the right bytes', async (_, bytes, why) => {
    const store = await testStore()
    await expect(take(store, bytes)).rejects.toMatchObject({
      code: 'LAYER_INVALID',
      message: expect.stringMatching(why),
    })
    await expect(take(store, bytes, descriptor)).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
    await expect(take(store, blob, descriptor, digestOf('other'))).rejects.toMatchObject({ code: 'DIFF_ID_MISMATCH' })
    expect(await filesOf(store.root)).toEqual([])
    await take(store, blob)
  })

  it('is unpacked again from the blob, which is looked at', async () => {
    const store = await testStore()
    await take(store, blob)
    await store.close()
    await unlink(join(store.root, 'layers', `${hexOf(digestOf(tar))}.tar`))
    const again = await testStore(store.root)
    await again.ingestLayer(descriptor, undefined, never, { blocks: true })
    expect([...(await again.layerTree(digestOf(tar))).children.keys()]).toEqual(['folder', 'link'])
  })

  it('is fetched again when another layer of its size is in the place of the blob', async () => {
    const [mine, other] = [4, 5].map((seed) => archive(rawMember({ name: 'words' }, wordy(new Random(seed), 200_000))))
    const [bytes, wrong] = [mine!, other!].map((raw) => gzipSync(raw, { level: 0 }))
    expect(wrong!.length).toBe(bytes!.length)
    const store = await testStore()
    const of = descriptorOf(bytes!)
    await take(store, bytes!, of)
    await store.close()
    await unlink(join(store.root, 'layers', `${hexOf(digestOf(mine!))}.tar`))
    await writeFile(store.blobPath(of.digest), wrong!)
    const again = await testStore(store.root)
    await take(again, bytes!, of, digestOf(mine!))
    expect((await readFile(store.blobPath(of.digest))).equals(bytes!)).toBe(true)
  })

  it.each([
    ['in its header', 4],
    ['in its middle', blob.length >> 1],
    ['in its checksum', -8],
  ])('is fetched again when the blob was damaged %s', async (_, at) => {
    const store = await testStore()
    await take(store, blob)
    await store.close()
    await unlink(join(store.root, 'layers', `${hexOf(digestOf(tar))}.tar`))
    await writeFile(store.blobPath(descriptor.digest), flipped(blob, at))
    const again = await testStore(store.root)
    let fetched = 0
    const open = () => {
      fetched++
      return chunked(blob)
    }
    await again.ingestLayer(descriptor, undefined, open, { blocks: true })
    expect(fetched).toBe(1)
    expect((await readFile(store.blobPath(descriptor.digest))).equals(blob)).toBe(true)
  })
})
