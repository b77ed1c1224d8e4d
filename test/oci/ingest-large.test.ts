import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Digest, digestOf, hexOf } from '../../src/oci/digest.ts'
import type { Store } from '../../src/oci/store.ts'
import { SummedTar } from '../../src/oci/summed-tar.ts'
import { chunked, descriptorOf } from '../support/bytes.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { filesOf, testStore } from '../support/store.ts'

const noise = createHash('shake256', { outputLength: 17 << 20 })
  .update('large')
  .digest()
const tar = archive(rawMember({ name: 'folder/', flag: '5' }), rawMember({ name: 'folder/noise' }, noise))
const packed = (bytes: Buffer) => gzipSync(bytes, { level: 0 })
const blob = packed(tar)

const take = (store: Store, bytes: Buffer, of = descriptorOf(bytes), diffId?: Digest) =>
  store.ingestLayer(of, diffId, () => chunked(bytes))

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at < 0 ? bytes.length + at : at]! ^= 0x10
  return copy
}

describe('a large gzip layer that comes alone', () => {
  it('is summed up by the main thread beside being inflated, and is what it was', async () => {
    const grew = vi.spyOn(SummedTar.prototype, 'grew')
    onTestFinished(() => grew.mockRestore())
    const store = await testStore()
    const { diffId } = await take(store, blob)
    expect(grew).toHaveBeenCalled()
    expect(diffId).toBe(digestOf(tar))
    expect((await readFile(join(store.root, 'layers', `${hexOf(diffId)}.tar`))).equals(tar)).toBe(true)
    expect([...(await store.layerTree(diffId)).children.keys()]).toEqual(['folder'])
  })

  it.each([
    ['a byte of its checksum is wrong', flipped(blob, -8), 'incorrect data check'],
    ['its end is missing', blob.subarray(0, -9), 'unexpected end of file'],
    ['its tar ends in a file', packed(tar.subarray(0, 17 << 20)), 'ends in the middle'],
    ['it holds no tar', packed(noise), 'header'],
  ])('is refused when %s, if these are the right bytes; else these are', async (_, bytes, why) => {
    const store = await testStore()
    const message = expect.stringMatching(why)
    await expect(take(store, bytes)).rejects.toMatchObject({ code: 'LAYER_INVALID', message })
    await expect(take(store, bytes, descriptorOf(blob))).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
    expect(await filesOf(store.root)).toEqual([])
    await take(store, blob)
  })

  it('is refused when its tar is another than the config says', async () => {
    const store = await testStore()
    const taken = take(store, blob, descriptorOf(blob), digestOf('other'))
    await expect(taken).rejects.toMatchObject({ code: 'DIFF_ID_MISMATCH' })
    expect(await filesOf(store.root)).toEqual([])
  })
})
