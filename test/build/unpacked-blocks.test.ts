import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build } from '../../src/build.ts'
import { silent } from '../../src/events.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { Store } from '../../src/oci/store.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { anonymous } from '../support/anonymous.ts'
import { tarArchive } from '../support/tar-archive.ts'

const raw = tarArchive([{ name: 'file', content: randomBytes(9_000_000).toString('hex') }])
const packed = (memLevel: number) => gzipSync(raw, { strategy: constants.Z_HUFFMAN_ONLY, memLevel })
const [one, other] = [packed(8), packed(7)]

const { signal } = new AbortController()
const connection = anonymous()

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocibake-unpacked-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The layer of an image into which the tarball is unpacked. */
async function layerOf(tarball: Buffer, cache: string, fields: object = {}) {
  await writeFile(join(folder, 'a.tar.gz'), tarball)
  const spec = join(folder, 'app.spec.json')
  const steps = [{ unpack: 'a.tar.gz', to: '/opt' }]
  await writeFile(spec, JSON.stringify({ from: 'scratch', steps, ...fields }))
  await using store = await Store.open(join(folder, cache))
  const plan = makePlan(await loadSpec(spec, { vars: {}, env: {} }), { env: {} })
  const around = { push: false, outputs: [], sandbox: 'auto', env: {}, report: silent, signal }
  const { image } = await build(plan, { store, connection, ...around, cache: 'none' })
  return image.layers[0]!
}

describe('a layer with a large tarball in it', () => {
  it('has blocks of the tarball in it, whatever the cache has of that or another of the same contents', async () => {
    const first = await layerOf(one, 'a')
    const second = await layerOf(other, 'b')
    expect(second.diffId).toBe(first.diffId)
    expect(second.digest).not.toBe(first.digest)
    expect(await layerOf(other, 'a')).toEqual(second)
    expect(await layerOf(one, 'a')).toEqual(first)
    await unlink(join(folder, 'a/blocks', hexOf(digestOf(one))))
    expect(await layerOf(one, 'a')).toEqual(first)
    await unlink(join(folder, 'a/blobs/sha256', hexOf(digestOf(one))))
    expect(await layerOf(one, 'a')).toEqual(first)
  })

  it('is the same when a build before had no use for blocks', async () => {
    const over = await layerOf(one, 'c', { compression: 'zstd' })
    expect(await layerOf(other, 'c', { compression: 'zstd' })).toEqual(over)
    expect(await layerOf(one, 'c')).toEqual(await layerOf(one, 'd'))
  })
})
