import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { layerSources } from '../../src/build/layer-sources.ts'
import { openBase } from '../../src/build/open-base.ts'
import { build } from '../../src/build.ts'
import { type Event, silent } from '../../src/events.ts'
import { type ImageConfig, writeConfig } from '../../src/oci/config.ts'
import type { Slice } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { writeManifest } from '../../src/oci/manifest.ts'
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from '../../src/oci/media-types.ts'
import { directory, type File } from '../../src/oci/node.ts'
import { writeLayout } from '../../src/oci/write-layout.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { makePlan, type Plan } from '../../src/spec/plan.ts'
import { anonymous } from '../support/anonymous.ts'
import { chunked, descriptorOf, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { testStore } from '../support/store.ts'

const tarOf = (name: string, seed: number) => archive(rawMember({ name }, wordy(new Random(seed), 600_000)))
const [one, two, three] = [tarOf('one', 1), tarOf('two', 2), tarOf('three', 3)] as const
const gzip = (raw: Buffer, level = 6) => ({ raw, mediaType: OCI_LAYER_GZIP, bytes: gzipSync(raw, { level }) })
const zstd = (raw: Buffer) => ({ raw, mediaType: OCI_LAYER_ZSTD, bytes: zstdCompressSync(raw) })
type Blob = ReturnType<typeof gzip>

const { signal } = new AbortController()
const connection = anonymous()

/** An OCI layout with an image of these layers. */
async function layoutOf(layers: readonly Blob[]): Promise<string> {
  const store = await testStore()
  const stored = []
  for (const { raw, mediaType, bytes } of layers) {
    stored.push(await store.ingestLayer(descriptorOf(bytes, mediaType), digestOf(raw), () => chunked(bytes)))
  }
  const document: ImageConfig = {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: stored.map(({ diffId }) => diffId) },
  }
  const bytes = writeConfig(document)
  const config = { mediaType: OCI_CONFIG, digest: await store.putDocument(bytes), size: bytes.length }
  const manifest = writeManifest({ config, layers: stored, annotations: {}, mediaTypes: 'oci' })
  const folder = join(await testFolder(), 'layout')
  const image = { manifest, config: { descriptor: config, document }, layers: stored }
  await writeLayout(folder, 'base', image, store, signal)
  return folder
}

describe('the sources of a layer', () => {
  const layers = [gzip(one, 9), gzip(one, 1), zstd(two), gzip(one, 9), gzip(three)]
  const squash = { layers: 'squash', compression: 'gzip' } as Plan

  it('are the base’s raw tars in order, and one gzip blob for each that has any: the first', async () => {
    const folder = await layoutOf(layers)
    const root = join(await testFolder(), 'store')
    for (const state of ['nothing', 'all']) {
      const store = await testStore(root)
      const around = { store, connection, env: {}, platform: { os: 'linux', architecture: 'amd64' }, blocks: true }
      const options = { ...around, report: silent, signal }
      const base = await openBase({ kind: 'oci', folder, tag: 'base' }, options)
      expect(base.blobs.map(({ digest }) => digest)).toEqual(layers.map(({ bytes }) => digestOf(bytes)))
      await base.tree()
      const { below, tars, gzips } = await layerSources(squash, base, [], { store, signal })
      expect(below, state).toEqual(layers.map(({ raw }) => digestOf(raw)))
      const read = await Promise.all(tars.map(({ path }) => readFile(path)))
      expect(read.map(digestOf), state).toEqual([one, two, three].map(digestOf))
      const blobs = await Promise.all(gzips.map(({ blob }) => readFile(blob.path)))
      expect(blobs.map(digestOf), state).toEqual([layers[0]!, layers[4]!].map(({ bytes }) => digestOf(bytes)))
      expect(gzips.map(({ file }) => file)).toEqual([tars[0], tars[2]])
      const names = ['one', 'two', 'three']
      const { children } = await base.tree()
      expect(names.map((name) => ((children.get(name) as File).content as Slice).file)).toEqual(tars)
      await base.close()
      await store.close()
    }
  })

  it('are tarballs too, unless the base has the same raw tar; these alone when the layer lies over the base', async () => {
    const store = await testStore()
    const options = { store, connection, env: {}, platform: { os: 'linux', architecture: 'amd64' }, blocks: true }
    const base = await openBase(
      { kind: 'oci', folder: await layoutOf([gzip(one)]), tag: 'base' },
      { ...options, report: silent, signal },
    )
    await base.tree()
    const tarballs = []
    for (const { raw, bytes } of [gzip(three), gzip(one, 1), gzip(three, 1)]) {
      const packed = await store.ingestLayer(descriptorOf(bytes), digestOf(raw), () => chunked(bytes))
      tarballs.push({ packed, layer: directory() })
    }
    const { tars, gzips, unpacked } = await layerSources(squash, base, tarballs, { store, signal })
    expect(tars).toEqual(await base.tars())
    const blobs = await Promise.all(gzips.map(({ blob }) => readFile(blob.path)))
    expect(blobs.map(digestOf)).toEqual([gzip(one), gzip(three)].map(({ bytes }) => digestOf(bytes)))
    const over = await layerSources({ ...squash, layers: 'append' }, base, tarballs, { store, signal })
    expect(over).toMatchObject({ below: [], tars: [], unpacked })
    expect(over.gzips.map(({ file }) => file)).toEqual([gzips[1]!.file, gzips[0]!.file])
    const zstd = await layerSources({ ...squash, compression: 'zstd' }, base, tarballs, { store, signal })
    expect(zstd).toEqual({ below: base.contents, tars, gzips: [], unpacked })
    await base.close()
  })
})

describe('the finished layer of an earlier build', () => {
  it.each([
    ['is not taken when the base has other blobs of the same layers', {}, false],
    ['is, when nothing of those is in it: it lies over the base', { layers: 'append' }, true],
    ['is, when nothing of those is in it: zstd', { compression: 'zstd' }, true],
    ['is, when nothing of those is in it: all was compressed anew', { recompress: true }, true],
  ])('%s', async (_, fields, taken) => {
    const folder = await testFolder()
    const store = await testStore()
    const events: Event[] = []
    const bases = [await layoutOf([gzip(one, 1)]), await layoutOf([gzip(one, 9)])]
    for (const base of [...bases, bases[1]]) {
      const spec = join(folder, 'app.spec.json')
      const steps = [{ write: '/etc/new', text: 'new' }]
      await writeFile(spec, JSON.stringify({ from: `oci:${base}:base`, steps, ...fields }))
      const plan = makePlan(await loadSpec(spec, { vars: {}, env: {} }), { env: {} })
      const around = { push: false, outputs: [], sandbox: 'auto', env: {}, signal }
      await build(plan, { store, connection, ...around, report: (event) => events.push(event) })
    }
    const said = events.filter(({ type }) => type === 'layer-cached' || type === 'build-started')
    const cached = said.map(({ type }) => type).join(' ')
    const [first, again] = ['build-started', 'build-started layer-cached']
    expect(cached).toBe([first, taken ? again : first, again].join(' '))
  })

  it('is the same on an empty store whoever compressed the base, when all is compressed anew; else it is not', async () => {
    for (const [recompress, count] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const digests = new Set<string>()
      for (const level of [1, 9]) {
        const spec = join(await testFolder(), 'app.spec.json')
        await writeFile(spec, JSON.stringify({ from: `oci:${await layoutOf([gzip(one, level)])}:base`, recompress }))
        const plan = makePlan(await loadSpec(spec, { vars: {}, env: {} }), { env: {} })
        const around = { push: false, outputs: [], sandbox: 'auto', env: {}, report: silent, signal }
        const { image } = await build(plan, { store: await testStore(), connection, ...around })
        digests.add(image.layers[0]!.digest)
      }
      expect(digests.size, `recompress: ${recompress}`).toBe(count)
    }
  })
})
