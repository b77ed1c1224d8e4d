import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ContentsAbsent } from '../../src/oci/absent-file.ts'
import { bytesContent, type Content, readAll } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { readOutline, writeOutline } from '../../src/oci/layer-outline.ts'
import { layerOfTar } from '../../src/oci/layer-read.ts'
import { type Directory, directory, FRESH_DIRECTORY, type Node } from '../../src/oci/node.ts'
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
    const outline = readOutline(await writeOutline(tar), tar.diffId)
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
  const bytes = await writeOutline(tar)
  expect(bytes.toString()).not.toContain(Buffer.from('root:secret').toString('base64').slice(0, 12))
  const outline = readOutline(bytes, tar.diffId)
  const contentAt = (path: string) => (nodeAt({ ...outline } as never, path) as { content: Content }).content
  expect((await readAll(contentAt('etc/passwd'), 100)).toString()).toBe('root:x:0:0::/:/bin/sh\n')
  expect(contentAt('etc/shadow').size).toBe(19)
  await expect(readAll(contentAt('etc/shadow'), 100)).rejects.toBeInstanceOf(ContentsAbsent)
})

it('whatever bytes are taken for an outline, they are a layer or refused', async () => {
  const tar = await (await testStore()).ingestTar(layerBytes(randomLayer(new Random(SEED))))
  const honest = JSON.parse((await writeOutline(tar)).toString())
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.integer(),
    fc.constantFrom('../..', '.wh..wh..opq', 'a\0b', 'Ā', -1, 1e300, null),
  )
  const rows = fc.array(fc.oneof(fc.constantFrom(...honest.rows), fc.array(odd, { maxLength: 5 }), odd))
  const documents = fc.record({ version: fc.constant(1), attrs: fc.oneof(fc.constant(honest.attrs), odd), rows })
  fc.assert(
    fc.property(documents, (document) => {
      const bytes = Buffer.from(JSON.stringify(document))
      const read = orRefused(['LAYER_INVALID', 'PATH_INVALID'], () => readOutline(bytes, ID))
      if (!(read instanceof Error)) expect(read.kind).toBe('directory')
    }),
    fuzz(300),
  )
})
