import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { FRESH_DIRECTORY, type Node, type Tree, WHITEOUT } from '../../src/oci/node.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'
import { writeLayer } from '../../src/oci/write-layer.ts'
import { collect } from '../support/bytes.ts'
import { taken } from '../support/taken-layer.ts'

const signal = new AbortController().signal
const options = { compression: 'gzip', mediaTypes: 'oci', signal } as const
const file: Node = { kind: 'file', attrs: { ...FRESH_DIRECTORY, mode: 0o644 }, content: bytesContent('changed\n') }

/** What gzip makes of a tar of real files, and a file and a folder in the middle of it. */
let blob: Buffer
const [CHANGED, REMOVED] = ['perl-base/File/Spec.pm', 'perl-base/unicore']

beforeAll(() => {
  const script =
    'cd /usr/lib/*/perl-base/.. && tar --sort=name --numeric-owner -cf - -C /usr/bin perl -C "$PWD" perl-base | gzip -6n'
  blob = execFileSync('bash', ['-c', script], { maxBuffer: 2 ** 28 })
}, 60_000)

const changed = (tree: Tree) => apply(apply(tree, placeAt(CHANGED, file)), placeAt(REMOVED, WHITEOUT))

describe('a layer with blocks of a gzip blob', { timeout: 60_000 }, () => {
  it('is what its digests say, and GNU gzip and tar read the tree in it', async () => {
    const { store, tree, sources } = await taken(blob)
    const layer = changed(tree)
    const written = await writeLayer(store, layer, { ...options, sources })
    const bytes = await collect(store.openBlob(written.digest))
    const raw = await collect(layerBytes(layer, sources.tars))
    expect(digestOf(bytes)).toBe(written.digest)
    expect(gunzipSync(bytes).equals(raw)).toBe(true)
    expect(digestOf(raw)).toBe(written.diffId)
    const list = (input: Buffer) =>
      execFileSync('tar', ['-tvz'], { input, maxBuffer: 2 ** 26 })
        .toString()
        .split('\n')
    const kept = (line: string) => !line.includes(REMOVED) && !line.includes(CHANGED)
    // Folders that the blob only implies are in the layer.
    const listed = list(bytes).filter((line) => !/^d.* 1970-01-01 /.test(line))
    expect(listed.filter(kept)).toEqual(list(blob).filter(kept))
    expect(listed.filter((line) => line.includes(CHANGED))).toHaveLength(1)
  })

  it('has nearly all compressed bytes from there', async () => {
    const { store, tree, sources } = await taken(blob)
    const whole = await writeLayer(store, tree, { ...options, sources })
    const bytes = await collect(store.openBlob(whole.digest))
    // The first blocks are compressed anew; later ones are found by what they begin with, moved by a few bits at most.
    expect(Math.abs(bytes.length - blob.length)).toBeLessThan(blob.length / 50)
    const alone = await writeLayer(store, tree, options)
    expect(alone.diffId).not.toBe(alone.digest)
    expect(alone.digest).not.toBe(whole.digest)
  })

  it('is the same in every store, whatever that knows', async () => {
    const one = await taken(blob)
    await writeLayer(one.store, one.tree, { ...options, sources: one.sources })
    await writeLayer(one.store, changed(one.tree), options)
    const other = await taken(blob)
    const want = await writeLayer(other.store, changed(other.tree), { ...options, sources: other.sources })
    expect(await writeLayer(one.store, changed(one.tree), { ...options, sources: one.sources })).toEqual(want)
    expect(await writeLayer(one.store, changed(one.tree), { ...options, sources: one.sources })).toEqual(want)
  })

  it('can have blocks of itself again when it is a base', async () => {
    const { store, tree, sources } = await taken(blob)
    const written = await writeLayer(store, changed(tree), { ...options, sources })
    const next = await taken(await collect(store.openBlob(written.digest)))
    const again = await writeLayer(next.store, next.tree, { ...options, sources: next.sources })
    expect(again.diffId).toBe(written.diffId)
  })

  it('is not written when the blob is not what it was', async () => {
    const { store, tree, sources } = await taken(blob)
    const path = sources.gzips[0]!.blob.path
    const damaged = readFileSync(path)
    damaged[damaged.length >> 1]! ^= 1
    rmSync(path)
    writeFileSync(path, damaged)
    await expect(writeLayer(store, tree, { ...options, sources })).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })
})
