import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent } from '../../src/oci/content.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { divide } from '../../src/oci/divide.ts'
import type { Layer } from '../../src/oci/layer.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { findStart, startKeys } from '../../src/oci/layer-start.ts'
import { type Directory, directory, FRESH_DIRECTORY, type Tree, WHITEOUT } from '../../src/oci/node.ts'
import { canResumeDigests } from '../../src/oci/resumable-digester.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'
import { writeLayer } from '../../src/oci/write-layer.ts'
import { changeAttrs } from '../../src/provision/edit.ts'
import { collect, wordy } from '../support/bytes.ts'
import { Random } from '../support/random-tree.ts'
import { type Taken, taken, takenInto } from '../support/taken-layer.ts'

const options = { compression: 'gzip', mediaTypes: 'oci', signal: new AbortController().signal } as const
const NEW = 'opt/app/settings'
const REMOVED = 'perl-base/unicore'

/** A base: real files, of which some names are links. */
let blob: Buffer

beforeAll(() => {
  const script = [
    'd=$(mktemp -d); cp -r /usr/lib/*/perl-base "$d"; mkdir "$d/bin"; cp /usr/bin/perl "$d/bin"',
    'ln "$d/perl-base/Carp.pm" "$d/bin/carp"; tar --sort=name --owner=0 --group=0 --mtime=@7 -C "$d" -cf - bin perl-base',
    'rm -r "$d"',
  ].join('; ')
  blob = execFileSync('bash', ['-c', `{ ${script}; } | gzip -6n`], { maxBuffer: 2 ** 28 })
}, 60_000)

const news = (tree: Tree, seed: number) => {
  const file = { kind: 'file', attrs: FRESH_DIRECTORY, content: bytesContent(wordy(new Random(seed), 50_000)) } as const
  return apply(apply(tree, placeAt(NEW, file)), placeAt(REMOVED, WHITEOUT))
}
const written = ({ store, tree, sources }: Taken, to: Tree) =>
  writeLayer(store, divide(tree, to), { ...options, sources })
const found = ({ store, tree, sources }: Taken, to: Tree) => findStart(store, startKeys(divide(tree, to), sources))

const FILE = { kind: 'file', attrs: FRESH_DIRECTORY, content: bytesContent('x') } as const
const packed = async (layer: Directory) =>
  gzipSync(await collect(layerBytes(directory(layer.children, FRESH_DIRECTORY))))

/** As a store writes it that has written none before. */
async function firstOf(seed: number): Promise<Layer> {
  const other = await taken(blob)
  return await written(other, news(other.tree, seed))
}

/** As when the disk has lost a bit in the middle. Whoever has the blob open does not see it. */
function damage({ store }: Taken, digest: Digest): void {
  const bytes = readFileSync(store.blobPath(digest))
  bytes[bytes.length >> 1]! ^= 1
  for (const path of new Set([store.blobPath(digest), join(store.root, 'blobs/sha256', digest.slice(7))])) {
    rmSync(path)
    writeFileSync(path, bytes)
  }
}

describe.runIf(canResumeDigests())('what a layer starts with', { timeout: 60_000 }, () => {
  it('is copied from a layer that starts so: nothing of the base is read, and the layer is the same', async () => {
    const want = await firstOf(2)
    const again = await taken(blob)
    const first = await written(again, news(again.tree, 1))
    expect(await found(again, news(again.tree, 2))).toMatchObject({ blob: first.digest, count: 1 })
    damage(again, digestOf(blob))
    expect(await written(again, news(again.tree, 2))).toEqual(want)
    const bytes = await collect(again.store.openBlob(want.digest))
    expect(digestOf(bytes)).toBe(want.digest)
    expect(digestOf(gunzipSync(bytes))).toBe(want.diffId)
  })

  it('goes on from layer to layer, when the first one is gone and the base is damaged', async () => {
    const one = await taken(blob)
    let last: Digest = (await written(one, news(one.tree, 1))).digest
    damage(one, digestOf(blob))
    const rows = (await one.store.pieces.before(last, 2 ** 40)).length
    for (const seed of [2, 3]) {
      const next = await written(one, news(one.tree, seed))
      rmSync(join(one.store.root, 'blobs/sha256', last.slice(7)))
      last = next.digest
      expect(await found(one, news(one.tree, 9))).toMatchObject({ blob: last })
      expect(await one.store.pieces.before(last, 2 ** 40)).toHaveLength(rows)
    }
  })

  it.each<[string, (one: Taken, donor: Digest) => void]>([
    ['is damaged', damage],
    [
      'is cut off',
      ({ store }, donor) => writeFileSync(store.blobPath(donor), readFileSync(store.blobPath(donor)).subarray(0, 9)),
    ],
  ])('is made anew when the layer that has it %s', async (_, harm) => {
    const want = await firstOf(2)
    const one = await taken(blob)
    const first = await written(one, news(one.tree, 1))
    harm(one, first.digest)
    expect(await written(one, news(one.tree, 2))).toEqual(want)
    expect(digestOf(await collect(one.store.openBlob(want.digest)))).toBe(want.digest)
  })

  it('is at least what no folder with other attributes has, and links lead to it', async () => {
    const dated = (tree: Tree, mtime: number) =>
      changeAttrs(news(tree, mtime), ['perl-base'], false, (attrs) => ({ ...attrs, mtime }))
    const other = await taken(blob)
    const want = await written(other, dated(other.tree, 2))
    const one = await taken(blob)
    await written(one, dated(one.tree, 1))
    expect(await found(one, dated(one.tree, 1))).toMatchObject({ count: 2 })
    expect(await found(one, dated(one.tree, 2))).toMatchObject({ count: 1 })
    expect(await written(one, dated(one.tree, 2))).toEqual(want)
    const tar = gunzipSync(await collect(one.store.openBlob(want.digest)))
    const list = execFileSync('tar', ['-tv'], { input: tar, maxBuffer: 2 ** 26 }).toString()
    expect(list).toContain('perl-base/Carp.pm link to bin/carp')
  })

  it('is not that of another base, of a base that came compressed otherwise, or without something else', async () => {
    const one = await taken(blob)
    await written(one, news(one.tree, 1))
    const { tree, sources } = one
    expect(await found(one, apply(news(tree, 2), placeAt('bin/perl', WHITEOUT)))).toBeUndefined()
    expect(await found({ ...one, sources: { ...sources, gzips: [] } }, news(tree, 2))).toBeUndefined()
    const other = await taken(execFileSync('gzip', ['-1n'], { input: gunzipSync(blob), maxBuffer: 2 ** 28 }))
    expect(await found({ ...other, store: one.store }, news(other.tree, 2))).toBeUndefined()
    expect(startKeys(divide(tree, news(tree, 2)), sources)).toHaveLength(1)
    expect(startKeys([{ layer: tree }], sources)).toEqual([])
  })

  it('is not that of a base which has one of its layers once more, over what another one took away', async () => {
    const [lower, upper] = [await packed(placeAt('etc/x', FILE)), await packed(placeAt('etc/x', WHITEOUT))]
    const { store, ...twice } = await takenInto((await taken(blob)).store, [lower, upper])
    await written({ store, ...twice }, news(twice.tree, 1))
    const thrice = await takenInto(store, [lower, upper, lower])
    expect(thrice.sources.tars).toEqual(twice.sources.tars)
    const { digest } = await written(thrice, news(thrice.tree, 1))
    const tar = gunzipSync(await collect(store.openBlob(digest)))
    expect(execFileSync('tar', ['-t'], { input: tar }).toString()).toContain('etc/x')
  })

  it("is nobody's when it is not known what is below", async () => {
    const { tree, sources } = await taken(blob)
    expect(startKeys(divide(tree, news(tree, 1)), { ...sources, below: [] })).toEqual([])
  })

  it('comes first however the layer is compressed', async () => {
    const one = await taken(blob)
    const to = news(one.tree, 1)
    const { diffId } = await written(one, to)
    for (const compression of ['none', 'zstd'] as const) {
      const sections = divide(one.tree, to)
      expect(await writeLayer(one.store, sections, { ...options, compression, sources: one.sources })).toMatchObject({
        diffId,
      })
    }
  })
})
