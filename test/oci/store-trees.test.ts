import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, type Content, Slice, SliceFile } from '../../src/oci/content.ts'
import { diff } from '../../src/oci/diff.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { isUnseen } from '../../src/oci/late-children.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { type Directory, directory, EMPTY, FRESH_DIRECTORY, type Node, type Tree } from '../../src/oci/node.ts'
import { SparseContent } from '../../src/oci/sparse-content.ts'
import { Store } from '../../src/oci/store.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { readTree } from '../../src/oci/tree-reader.ts'
import { writeTree } from '../../src/oci/tree-writer.ts'
import { walk } from '../../src/oci/walk.ts'
import { clampTimes } from '../../src/provision/clamp-times.ts'
import { without } from '../../src/provision/edit.ts'
import { testFolder } from '../support/folder.ts'
import { randomChanges } from '../support/random-changes.ts'
import { Random, randomLayer, randomTree } from '../support/random-tree.ts'
import { twice } from '../support/stored-layers.ts'

const SEED = Number(process.env.SEED ?? 20261121)

/** All that a layer says, by value, hard links by the first of their names. */
function said(layer: Directory): unknown[] {
  const first = new Map<Node, string>()
  const rows: unknown[] = [['', layer.attrs, layer.opaque]]
  for (const [path, node] of walk(layer)) {
    const known = first.get(node)
    if (known !== undefined && node.kind !== 'directory' && node.kind !== 'whiteout') rows.push([path, 'is', known])
    else if (node.kind === 'directory') rows.push([path, node.attrs, node.opaque])
    else if (node.kind === 'file') rows.push([path, node.attrs, placeOf(node.content)])
    else rows.push([path, node])
    first.set(node, path)
  }
  return rows
}

function placeOf(content: Content): unknown {
  if (content instanceof Slice) return [content.file.path.split('/').at(-1)?.slice(0, 64), content.offset, content.size]
  return content instanceof SparseContent ? [content.size, content.extents] : content.size
}

describe('the tree of a layer that the store has seen before', () => {
  it('says what the layer says, wherever one looks first', async () => {
    const layers = Array.from({ length: 50 }, (_, i) => randomLayer(new Random(SEED + i)))
    await twice(layers, (all) => {
      for (const [i, { eager, late }] of all.entries()) {
        const random = new Random(SEED + i)
        const paths = [...walk(eager)].map(([path]) => path)
        if (paths.length > 0) expect(nodeAt(late, random.pick(paths))).toBeDefined()
        expect(said(late), `seed ${SEED + i}`).toEqual(said(eager))
      }
    })
  })

  it('is changed, compared and laid over others as if all of it had been read', async () => {
    const seeds = Array.from({ length: 60 }, (_, i) => SEED + i)
    let unseen = 0
    await twice(
      seeds.map((seed) => randomTree(new Random(seed), 4)),
      (all) => {
        for (const [i, { eager, late }] of all.entries()) {
          const seed = seeds[i]!
          const [wanted, got] = [eager, late].map((layer) => results(apply(EMPTY, layer), eager, new Random(seed)))
          unseen += foldersOfRead(late).filter(isUnseen).length
          expect(got!.map(said), `seed ${seed}`).toEqual(wanted!.map(said))
        }
      },
    )
    expect(unseen).toBeGreaterThan(seeds.length)
  })

  it('is as old as the archive says, even where that is what a folder has that nobody described', async () => {
    const attrs = { ...FRESH_DIRECTORY }
    const file: Node = { kind: 'file', attrs, content: bytesContent('') }
    const layer = directory(new Map([['bin', directory(new Map([['file', file]]), attrs)]]), attrs)
    await twice([layer], ([all]) => {
      for (const one of [all!.eager, all!.late]) {
        const base = apply(EMPTY, one)
        const moved = apply(without(base, 'bin/file'), directory(new Map([['moved', nodeAt(base, 'bin/file')!]])))
        const clamped = clampTimes(moved, { base, created: 1000 })
        expect(nodeAt(clamped, 'moved')).toMatchObject({ attrs: { mtime: 0 } })
      }
    })
  })

  it('keeps in mind what nobody described', () => {
    const layer = directory(new Map([['gone before', directory(undefined, FRESH_DIRECTORY, true)]]), FRESH_DIRECTORY)
    const read = readTree(writeTree(layer), new SliceFile('/tar'))
    for (const [folder, ours] of [
      [read, layer],
      [nodeAt(read, 'gone before'), nodeAt(layer, 'gone before')],
    ]) {
      expect((folder as Directory).attrs).toBe((ours as Directory).attrs)
    }
  })

  it('has every kind of content, wherever it is in the tar', () => {
    const file = new SliceFile('/tar')
    const attrs = { ...FRESH_DIRECTORY, mtime: -(2 ** 40), xattrs: new Map([['user.\xff', Buffer.from([0, 255])]]) }
    const contents = [
      new Slice(file, 2 ** 45, 2 ** 44),
      new Slice(file, 512, 1),
      new SparseContent(file, 2 ** 46, [
        { at: 3, offset: 2 ** 33, size: 5 },
        { at: 2 ** 45, offset: 2 ** 34, size: 7 },
      ]),
      new SparseContent(file, 9, []),
      new SparseContent(file, 9, [{ at: 0, offset: 100, size: 2 }]),
      new Slice(file, 200, 300),
    ]
    const nodes = contents.map((content, i): [string, Node] => [String(i), { kind: 'file', attrs, content }])
    nodes.push(['to', { kind: 'link', target: '\xff' }], ['with', { kind: 'link', target: 'a', attrs }])
    const together = directory(new Map([['one', { kind: 'file', attrs, content: contents[1]! }]]))
    const layer = directory(new Map(Object.entries({ below: directory(new Map(nodes)), together })), null, true)
    const stretch = { offset: 2 ** 43, size: 2 ** 42 }
    const written = writeTree(layer, new Map([[together, stretch]]))
    const read = readTree(written, file)
    expect(said(read)).toEqual(said(layer))
    expect(nodeAt(read, 'together')).toMatchObject({ children: { facts: { stretch } } })
    // Stores have trees of this form: when it becomes another one, the version in store-trees.ts goes up.
    expect(digestOf(written).slice(7, 23)).toBe('6c1a78692b13c62c')
  })

  it.each([
    ['is cut', (path: string) => truncate(path, 300)],
    ['is empty', (path: string) => truncate(path, 0)],
    ['has another byte', flip],
    ['is of another version', async (path: string) => edit(path, /"version":"[^"]*"/, '"version":"0"')],
  ])('is made again when what the store has of it %s', async (_, damage) => {
    const root = join(await testFolder(), 'store')
    const open = async (): Promise<unknown[]> => {
      await using store = await Store.open(root)
      return said(await store.layerTree(diffId))
    }
    await using first = await Store.open(root)
    const { diffId } = await first.ingestTar(layerBytes(randomTree(new Random(SEED), 4)))
    await first.close()
    const wanted = await open()
    const path = join(root, 'layers', `${hexOf(diffId)}.tree`)
    const written = await readFile(path)
    await damage(path)
    expect(await open()).toEqual(wanted)
    expect(await readFile(path)).toEqual(written)
  })

  it('is kept for later builds by one that has no use for all that it says', async () => {
    const layer = randomTree(new Random(SEED), 4)
    const kept = async (isWritten: boolean): Promise<[said: unknown[], tree: Buffer]> => {
      const root = join(await testFolder(), 'store')
      await using store = await Store.open(root)
      const { diffId } = await store.ingestTar(layerBytes(layer))
      const rows = said(await store.layerTree(diffId, { isWritten }))
      await store.close()
      return [rows, await readFile(join(root, 'layers', `${hexOf(diffId)}.tree`))]
    }
    expect(await kept(false)).toEqual(await kept(true))
  })
})

/** What steps, normalisers and diff make of a tree; `paths` is the same tree, for paths of it. */
function results(tree: Tree, paths: Directory, random: Random): Directory[] {
  const steps = randomChanges(tree, paths, random)
  const laid = steps[3]!
  return [...steps.map((after) => diff(tree, after)), ...steps.map((after) => diff(after, tree)), diff(EMPTY, laid)]
}

async function flip(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(path, bytes)
}

async function edit(path: string, from: RegExp, to: string): Promise<void> {
  await writeFile(path, (await readFile(path)).toString('latin1').replace(from, to), 'latin1')
}

/** The folders that were read, and those in them: nothing more is read for it. */
function foldersOfRead(tree: Directory): Directory[] {
  const found: Directory[] = [tree]
  for (const folder of found) {
    if (isUnseen(folder)) continue
    for (const node of folder.children.values()) if (node.kind === 'directory') found.push(node)
  }
  return found
}
