import { expect, it } from 'vitest'
import { bytesContent } from '../../src/oci/content.ts'
import { diff, sameTree } from '../../src/oci/diff.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import type { Directory, File, Leaf, Node, Tree } from '../../src/oci/node.ts'
import { directory, FRESH_DIRECTORY, NO_XATTRS } from '../../src/oci/node.ts'
import { applyDelta, treeDelta } from '../../src/oci/tree-delta.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { hardLinks, walk } from '../../src/oci/walk.ts'
import { UNDATED } from '../../src/provision/dates.ts'
import { Random, randomEdit, randomTree } from '../support/random-tree.ts'
import { testStore } from '../support/store.ts'

const SEED = Number(process.env.SEED ?? 20261121)
const PLAIN = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: NO_XATTRS }
const file = (text: string): File => ({ kind: 'file', attrs: PLAIN, content: bytesContent(text) })
const made = (children: Record<string, Node>): Tree =>
  directory(new Map(Object.entries(children)), FRESH_DIRECTORY) as Tree

/** As a cached step keeps it: a layer in the store, read again. */
async function keeper(): Promise<(layer: Directory) => Promise<Directory>> {
  const store = await testStore()
  return async (layer) => store.layerTree((await store.ingestTar(layerBytes(layer))).diffId)
}

const leaves = (tree: Tree) =>
  new Set([...walk(tree)].map(([, node]) => node).filter((node) => node.kind !== 'directory'))

/** What normalisers tell "as the base has it" by. */
function expectSameObjects(before: Tree, after: Tree, got: Tree, seed: number): void {
  const known = leaves(before)
  for (const [path, node] of walk(after)) {
    const there = nodeAt(got, path)!
    if (node.kind !== 'directory' && known.has(node))
      expect(there === node, `${path} is the same object, seed ${seed}`).toBe(true)
    const old = nodeAt(before, path)
    if (node.kind !== 'directory' || old?.kind !== 'directory' || old.attrs !== node.attrs) continue
    expect(there.kind === 'directory' && there.attrs === node.attrs, `${path} has the same attrs, seed ${seed}`).toBe(
      true,
    )
  }
}

it('applies to what it was made from, and keeps every object that both have', () => {
  for (let seed = SEED; seed < SEED + 1000; seed++) {
    const random = new Random(seed)
    const before = randomTree(random)
    const after = random.chance(4) ? randomTree(random) : randomEdit(random, randomEdit(random, before))
    const got = applyDelta(before, treeDelta(before, after)!)
    expect(sameTree(got, after), `seed ${seed}`).toBe(true)
    expectSameObjects(before, after, got, seed)
  }
})

it('does so after it was a tar in the store, too', async () => {
  const kept = await keeper()
  for (let seed = SEED; seed < SEED + 40; seed++) {
    const random = new Random(seed)
    const before = randomTree(random)
    const after = randomEdit(random, randomEdit(random, before))
    const got = applyDelta(before, await kept(treeDelta(before, after)!))
    expectSameObjects(before, after, got, seed)
    expect([...hardLinks(got).values()], `seed ${seed}`).toEqual([...hardLinks(after).values()])
    // Contents are other objects now, and diff compares them as objects: all else has to be equal.
    const changed = [...walk(diff(got, after))].filter(([, node]) => node.kind !== 'directory' && node.kind !== 'file')
    expect(changed, `seed ${seed}`).toEqual([])
  }
})

it('keeps a file that was moved, one that got another name, and the bytes of one that got another owner', async () => {
  const [one, two, three] = [file('1'), file('2'), file('3')]
  const before = made({ d: made({ one, two }), three })
  const owned: Leaf = { ...three, attrs: { ...PLAIN, uid: 7, mtime: UNDATED } }
  const after = made({ d: made({ two, again: two }), e: made({ one }), three: owned, third: owned })
  const delta = treeDelta(before, after)!
  const bytes = [...walk(delta)].reduce((sum, [, node]) => sum + (node.kind === 'file' ? node.content.size : 0), 0)
  expect(bytes).toBe(0)
  const got = applyDelta(before, await (await keeper())(delta))
  expect(nodeAt(got, 'd/one')).toBeUndefined()
  expect(nodeAt(got, 'e/one')).toBe(one)
  expect(nodeAt(got, 'd/again')).toBe(two)
  expect(nodeAt(got, 'third')).toBe(nodeAt(got, 'three'))
  expect(nodeAt(got, 'third')).toEqual(owned)
  expect((nodeAt(got, 'third') as File).content).toBe(three.content)
})

it('says nothing of a file with an attribute that it would take for its own', () => {
  const xattrs = new Map([['ocibake.same', Buffer.from('etc/shadow')]])
  expect(treeDelta(made({}), made({ a: { ...file('a'), attrs: { ...PLAIN, xattrs } } }))).toBeUndefined()
})

it('does not apply to another tree', () => {
  const one = file('1')
  const delta = treeDelta(made({ one }), made({ moved: one }))!
  expect(() => applyDelta(made({ two: one }), delta)).toThrow('A cached step keeps /one')
})
