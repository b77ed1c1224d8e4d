import { expect, it } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent } from '../../src/oci/content.ts'
import { divide } from '../../src/oci/divide.ts'
import { directory, type File, FRESH_DIRECTORY, type Node, type Tree, WHITEOUT } from '../../src/oci/node.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'
import { writeLayer } from '../../src/oci/write-layer.ts'
import { changeAttrs } from '../../src/provision/edit.ts'
import { collect, wordy } from '../support/bytes.ts'
import { Random } from '../support/random-tree.ts'
import { testStore } from '../support/store.ts'
import { takenInto } from '../support/taken-layer.ts'

const options = { compression: 'gzip', mediaTypes: 'oci', signal: new AbortController().signal } as const
const file = (seed: number, size: number): File => ({
  kind: 'file',
  attrs: { ...FRESH_DIRECTORY, mode: 0o644 },
  content: bytesContent(wordy(new Random(seed), size)),
})
const folder = (children: Record<string, Node>) => directory(new Map(Object.entries(children)), FRESH_DIRECTORY) as Tree

/**
 * Builds find layers, and what layers start with, by what goes in. Where this is another one than before, LAYER_FORMAT in
 * src/build/cache-keys.ts and VERSION in src/oci/layer-start.ts have to go up.
 */
it('a squashed layer has the bytes that its format has', { timeout: 30_000 }, async () => {
  const linked = file(1, 300_000)
  const base = folder({
    bin: folder({ a: linked, sh: file(2, 400_000) }),
    etc: folder({ hosts: file(3, 100), link: { kind: 'symlink', attrs: FRESH_DIRECTORY, target: 'hosts' } }),
    lib: folder({ a: linked, b: file(4, 500_000), c: file(5, 2_000_000) }),
  })
  const store = await testStore()
  // Of ours, which is the same on every machine.
  const below = await writeLayer(store, base, options)
  const { tree, sources } = await takenInto(store, [await collect(store.openBlob(below.digest))])
  expect(sources.gzips).toHaveLength(1)
  const dated = changeAttrs(tree, ['etc'], false, (attrs) => ({ ...attrs, mtime: 5 }))
  const to = [placeAt('lib/b', WHITEOUT), placeAt('opt/new', file(6, 700_000))].reduce<Tree>(apply, dated)
  const sections = divide(tree, to)
  expect(sections).toHaveLength(3)
  const { digest, diffId } = await writeLayer(store, sections, { ...options, sources })
  expect({ below: below.digest, diffId, digest }).toEqual({
    below: 'sha256:f0f9795ae2278eedd32f3a8619247b8b010d5f37cd971202fa1b540769f95a7b',
    diffId: 'sha256:f1cb1f0d70b65c40de37cad892bc090780f55a734afdf6a25fbe65cf3c865143',
    digest: 'sha256:2dde7207f50f995b7632b9fb35336a2a2a9490f5317344e6e48d47a7df790927',
  })
})
