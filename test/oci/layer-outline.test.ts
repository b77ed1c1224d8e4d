import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ContentsAbsent } from '../../src/oci/absent-file.ts'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, type Content, readAll } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { readOutline, writeOutline } from '../../src/oci/layer-outline.ts'
import { layerOfTar } from '../../src/oci/layer-read.ts'
import { type Directory, directory, EMPTY, FRESH_DIRECTORY, type Node } from '../../src/oci/node.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { walk } from '../../src/oci/walk.ts'
import { fuzz, orRefused } from '../support/fuzz.ts'
import { Random, randomLayer } from '../support/random-tree.ts'
import { testStore } from '../support/store.ts'

const SEED = Number(process.env.SEED ?? 20261122)
const ID = digestOf('a layer')

/** All that a layer says but what is in its files; hard links by the first of their names. */
function said(layer: Directory): unknown[] {
  const first = new Map<Node, string>()
  const rows: unknown[] = [['', layer.attrs, layer.opaque]]
  for (const [path, node] of walk(layer)) {
    const known = node.kind === 'directory' || node.kind === 'whiteout' ? undefined : first.get(node)
    first.set(node, path)
    if (known !== undefined) rows.push([path, 'is', known])
    else if (node.kind === 'directory') rows.push([path, node.attrs, node.opaque])
    else if (node.kind === 'file') rows.push([path, node.attrs, node.content.size])
    else rows.push([path, node])
  }
  return rows
}

const plain = (rows: unknown[]) =>
  JSON.stringify(rows, (_, value) =>
    value instanceof Map ? [...value].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]) : value,
  )

it('an outline says what its layer says, but what is in the files', async () => {
  const store = await testStore()
  for (let seed = SEED; seed < SEED + 50; seed++) {
    const tar = await store.ingestTar(layerBytes(randomLayer(new Random(seed))))
    const outline = readOutline(await writeOutline(layerOfTar(tar)), tar.diffId)
    expect(plain(said(outline)), `seed ${seed}`).toBe(plain(said(layerOfTar(tar))))
  }
})

it('an outline has who the accounts are, and nothing else of any file', async () => {
  const file = (text: string) => ({ kind: 'file' as const, attrs: FRESH_DIRECTORY, content: bytesContent(text) })
  const etc = new Map([
    ['passwd', file('root:x:0:0::/:/bin/sh\n')],
    ['shadow', file('root:secret:::::::\n')],
  ])
  const layer = directory(new Map([['etc', directory(etc, FRESH_DIRECTORY)]]))
  const tar = await (await testStore()).ingestTar(layerBytes(layer))
  const bytes = await writeOutline(layerOfTar(tar))
  expect(bytes.toString()).not.toContain(Buffer.from('root:secret').toString('base64').slice(0, 12))
  const outline = readOutline(bytes, tar.diffId)
  const contentAt = (path: string) => (nodeAt({ ...outline } as never, path) as { content: Content }).content
  expect((await readAll(contentAt('etc/passwd'), 100)).toString()).toBe('root:x:0:0::/:/bin/sh\n')
  expect(contentAt('etc/shadow').size).toBe(19)
  await expect(readAll(contentAt('etc/shadow'), 100)).rejects.toBeInstanceOf(ContentsAbsent)
})

it('an outline does not part a name of an account from its hard links', async () => {
  const passwd = { kind: 'file' as const, attrs: FRESH_DIRECTORY, content: bytesContent('root:x:0:0::/:/bin/sh\n') }
  const etc = new Map([
    ['passwd', passwd],
    ['passwd-', passwd],
  ])
  const layer = directory(new Map([['etc', directory(etc, FRESH_DIRECTORY)]]))
  const tar = await (await testStore()).ingestTar(layerBytes(layer))
  const outline = readOutline(await writeOutline(layerOfTar(tar)), tar.diffId)
  expect(plain(said(outline))).toBe(plain(said(layerOfTar(tar))))
})

it('an outline with a name twice in one folder is refused', async () => {
  const file = (text: string) => ({ kind: 'file' as const, attrs: FRESH_DIRECTORY, content: bytesContent(text) })
  const names = ['srv-a', 'srv-b', 'srv-c', 'also']
  const layer = directory(new Map(names.map((name) => [name, file(name)])))
  const tar = await (await testStore()).ingestTar(layerBytes(layer))
  const honest = await writeOutline(layerOfTar(tar))
  expect([...readOutline(honest, tar.diffId).children.keys()].sort()).toEqual([...names].sort())
  for (const [name, other] of [
    ['srv-b', 'srv-a'],
    ['srv-c', 'srv-a'],
    ['srv-a', 'srv-b'],
  ]) {
    const forged = Buffer.from(honest)
    forged.write(other!, forged.indexOf(name!))
    expect(() => readOutline(forged, tar.diffId)).toThrow(expect.objectContaining({ code: 'LAYER_INVALID' }))
  }
})

it('whatever bytes are taken for an outline, they are a layer or refused', async () => {
  const store = await testStore()
  const honest: Buffer[] = []
  for (let seed = SEED; seed < SEED + 5; seed++) {
    const tar = await store.ingestTar(layerBytes(randomLayer(new Random(seed))))
    honest.push(await writeOutline(layerOfTar(tar)))
  }
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  const outlines = fc.tuple(fc.constantFrom(...honest), changes).map(([bytes, all]) => {
    const forged = Buffer.from(bytes)
    for (const [at, byte] of all) forged[at % forged.length] = byte
    return forged
  })
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: outlines }, fc.uint8Array().map(Buffer.from)), (bytes) => {
      const read = orRefused(['LAYER_INVALID'], () => readOutline(bytes, ID))
      if (read instanceof Error) return
      expect(said(read).length).toBeLessThanOrEqual(bytes.length)
      const tree = orRefused(['LAYER_INVALID'], () => apply(EMPTY, read))
      if (tree instanceof Error) return
      for (const [, node] of walk(tree)) expect(['whiteout', 'link']).not.toContain(node.kind)
    }),
    fuzz(2000),
  )
})
