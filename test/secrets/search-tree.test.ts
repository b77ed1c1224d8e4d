import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, type Content, HostFile, Slice, SliceFile } from '../../src/oci/content.ts'
import {
  type Attrs,
  type Directory,
  directory,
  EMPTY,
  FRESH_DIRECTORY,
  type Node,
  type Tree,
} from '../../src/oci/node.ts'
import { SparseContent } from '../../src/oci/sparse-content.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'
import { readTree } from '../../src/oci/tree-reader.ts'
import { writeTree } from '../../src/oci/tree-writer.ts'
import { searchTree } from '../../src/secrets/search-tree.ts'
import { secretText } from '../../src/secrets/secret-values.ts'
import { testFolder } from '../support/folder.ts'
import { examples, token } from '../support/secrets.ts'

const VALUE = token('in a tree', 30)
const KEY = examples()['private-key']!
const values = [secretText('it', VALUE)]
const { signal } = new AbortController()

const file = (content: Content, attrs: Attrs = FRESH_DIRECTORY): Node => ({ kind: 'file', attrs, content })

function treeOf(nodes: Readonly<Record<string, Node>>, base: Tree = EMPTY): Tree {
  return Object.entries(nodes).reduce<Tree>((tree, [path, node]) => apply(tree, placeAt(path, node) as Directory), base)
}

/** A file of which contents are slices, with so many bytes of zeros between them. */
async function archive(texts: readonly string[], gap = 1024) {
  const path = join(await testFolder(), 'archive')
  const blocks = texts.map((text) => Buffer.concat([Buffer.from(text), Buffer.alloc(gap)]))
  writeFileSync(path, Buffer.concat(blocks))
  const from = new SliceFile(path)
  onTestFinished(() => from.close())
  let at = 0
  const slices = texts.map((text, i) => {
    const slice = new Slice(from, at, Buffer.byteLength(text))
    at += blocks[i]!.byteLength
    return slice
  })
  return { from, slices }
}

const found = async (base: Tree, tree: Tree, searchBase = true) =>
  (await searchTree(base, tree, { values, searchBase, signal })).map(
    ({ path, kind, inBase }) => `${path} ${kind}${inBase ? ' in the base' : ''}`,
  )

describe.each([
  ['little', 1024],
  ['much, in a thread', 5 << 20],
])('secrets in a tree of %s', (_, gap) => {
  it('are found in contents of all kinds, in names, targets and attributes', async () => {
    const { slices } = await archive([`a ${VALUE}`, 'nothing', `${KEY}\n`], gap)
    const { from: sparse } = await archive([`b ${VALUE}`])
    const path = join(await testFolder(), 'host')
    writeFileSync(path, `c ${VALUE}`)
    const { size, ino, mtimeNs } = statSync(path, { bigint: true })
    const xattrs = new Map([['user.note', Buffer.from(`d ${VALUE}`)]])
    const tree = treeOf({
      slice: file(slices[0]!),
      nothing: file(slices[1]!),
      'etc/key': file(slices[2]!),
      'app/tests/key': file(slices[2]!),
      'app/tests/value': file(slices[0]!),
      sparse: file(new SparseContent(sparse, 1 << 20, [{ at: 4096, offset: 0, size: VALUE.length + 2 }])),
      host: file(new HostFile(Buffer.from(path), { size: Number(size), ino, mtimeNs })),
      memory: file(bytesContent(KEY)),
      link: { kind: 'symlink', attrs: FRESH_DIRECTORY, target: `/run/${VALUE}` },
      [`dir/${VALUE}/x`]: directory(),
      attribute: directory(new Map(), { ...FRESH_DIRECTORY, xattrs }),
    })
    expect(await found(EMPTY, tree)).toEqual([
      'app/tests/value credential',
      'attribute credential',
      `dir/${VALUE} credential`,
      'etc/key private-key',
      'host credential',
      'link credential',
      'memory private-key',
      'slice credential',
      'sparse credential',
    ])
  })

  it.each([
    ['', (base: Tree) => base],
    [', which nobody has looked into', (base: Tree, from: SliceFile) => readTree(writeTree(base), from) as Tree],
  ])('are those of the base%s when it has the file, whatever became of its name, owner or mode', async (_, asRead) => {
    const { from, slices } = await archive([`a ${VALUE}`, `${KEY}\n`], gap)
    const base = asRead(treeOf({ 'etc/value': file(slices[0]!), 'etc/key': file(slices[1]!) }), from)
    const moved = { 'etc/value': file(slices[0]!, { ...FRESH_DIRECTORY, uid: 7 }), 'opt/key': file(slices[1]!) }
    expect(await found(base, treeOf(moved, base))).toEqual(['etc/value credential in the base'])
    expect(await found(base, treeOf(moved, base), false)).toEqual([])
    const { slices: again } = await archive([`${KEY}\n`], gap)
    expect(await found(base, treeOf({ 'etc/key': file(again[0]!) }, base), false)).toEqual(['etc/key private-key'])
  })

  it('are not looked for any more when nobody wants to know', async () => {
    const { slices } = await archive([VALUE], gap)
    const stop = new AbortController()
    const searching = searchTree(EMPTY, treeOf({ x: file(slices[0]!) }), {
      values,
      searchBase: true,
      signal: stop.signal,
    })
    stop.abort(new Error('enough'))
    await expect(searching).rejects.toThrow('enough')
  })
})

it('a content that cannot be read is left to whoever has to write it', async () => {
  const gone = new HostFile(Buffer.from('/nowhere/at/all'), { size: 10, ino: 1n, mtimeNs: 1n })
  const { from } = await archive(['short'])
  expect(await found(EMPTY, treeOf({ gone: file(gone), cut: file(new Slice(from, 0, 1 << 20)) }))).toEqual([])
})

describe('secrets in files of this machine', () => {
  /** Files with these texts, as they were when somebody looked. */
  async function hostFiles(texts: readonly string[]): Promise<{ readonly folder: string; readonly tree: Tree }> {
    const folder = await testFolder()
    const nodes = texts.map((text, i) => {
      const path = join(folder, `file-${i}`)
      writeFileSync(path, text)
      const { size, ino, mtimeNs } = statSync(path, { bigint: true })
      return [`${i}`, file(new HostFile(Buffer.from(path), { size: Number(size), ino, mtimeNs }))] as const
    })
    return { folder, tree: treeOf(Object.fromEntries(nodes)) }
  }
  const long = 'x'.repeat(3 << 20)

  it.each([
    ['few', ''],
    ['many, in a thread', long],
  ])('are found in %s of them, whatever has become of those before', async (_, filler) => {
    const { folder, tree } = await hostFiles(['gone', VALUE, `${filler}short`, `${filler} ${VALUE}`, '', KEY, VALUE])
    rmSync(join(folder, 'file-0'))
    truncateSync(join(folder, 'file-2'), 2)
    rmSync(join(folder, 'file-5'))
    expect(await found(EMPTY, tree)).toEqual(['1 credential', '3 credential', '6 credential'])
  })

  it('do not begin in one and end in the next', async () => {
    const { tree } = await hostFiles([VALUE.slice(0, 15), VALUE.slice(15), `${VALUE.slice(0, 20)}\n`, KEY.slice(0, 40)])
    expect(await found(EMPTY, tree)).toEqual([])
  })

  it('are found in each of many small ones', async () => {
    const { tree } = await hostFiles(Array.from({ length: 3000 }, (_, i) => (i % 500 === 7 ? VALUE : `nothing ${i}`)))
    expect(await found(EMPTY, tree)).toEqual([7, 507, 1007, 1507, 2007, 2507].map((i) => `${i} credential`).sort())
  })
})
