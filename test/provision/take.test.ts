import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { silent } from '../../src/events.ts'
import { readAll } from '../../src/oci/content.ts'
import { EMPTY, type Node, type Tree } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { hardLinks, walk } from '../../src/oci/walk.ts'
import { ArchiveTrees } from '../../src/provision/archive-trees.ts'
import type { Tools, UnpackStep } from '../../src/provision/step.ts'
import { unpack } from '../../src/provision/unpack.ts'
import { testFolder } from '../support/folder.ts'
import { type Member, tarArchive } from '../support/tar-archive.ts'

const ROOT: readonly Member[] = [
  { name: 'bin', type: 'symlink', target: 'usr/bin' },
  { name: 'usr/bin/', type: 'directory' },
  { name: 'usr/bin/sh', content: 'SH', mode: 0o755 },
  { name: 'opt/t/', type: 'directory', mode: 0o700 },
  { name: 'opt/t/tool-1.2', content: 'REAL', mode: 0o755, uid: 7 },
  { name: 'opt/t/tool', type: 'symlink', target: 'tool-1.2' },
  { name: 'opt/t/gone', type: 'symlink', target: '/nowhere' },
  { name: 'opt/t/loop', type: 'symlink', target: 'loop' },
  { name: 'opt/now', type: 'symlink', target: '/opt/v1' },
  { name: 'opt/v1/', type: 'directory' },
  { name: 'opt/v1/a', content: 'A' },
  { name: 'opt/v1/link', type: 'symlink', target: 'a' },
  { name: 'opt/v1/sub/', type: 'directory' },
  { name: 'opt/v1/sub/b', content: 'B' },
  { name: 'opt/{x}/', type: 'directory' },
  { name: 'srv/a', content: 'LINKED' },
  { name: 'srv/b', type: 'link', target: 'srv/a' },
  { name: 'opt/{x}/[y]', content: 'Y' },
]

let folder: string
let tools: Tools

beforeEach(async () => {
  folder = await testFolder()
  const store = await Store.open(join(folder, 'store'))
  onTestFinished(() => store.close())
  writeFileSync(join(folder, 'root.tar'), tarArchive(ROOT))
  tools = { store, report: silent, signal: new AbortController().signal, inputDated: () => {} } as unknown as Tools
})

const taken = (step: Partial<UnpackStep>, tree: Tree = EMPTY) =>
  unpack(tree, { unpack: join(folder, 'root.tar'), to: '/', owner: 'archive', ...step }, tools)

async function shown(node: Node): Promise<string> {
  if (node.kind === 'file') return (await readAll(node.content, 100)).toString()
  return node.kind === 'symlink' ? `-> ${node.target}` : node.kind
}

async function listing(step: Partial<UnpackStep>, tree?: Tree) {
  const all = [...walk(await taken(step, tree))].filter(([, { kind }]) => kind !== 'directory')
  return Object.fromEntries(await Promise.all(all.map(async ([path, node]) => [path, await shown(node)] as const)))
}

describe('what an unpack step takes', () => {
  it.each<[string, string, string, Record<string, string>]>([
    ['a file into a folder', '/opt/v1/a', '/x/', { 'x/a': 'A' }],
    ['a file as another', '/opt/v1/a', '/x', { x: 'A' }],
    ['what a symlink leads to, by its name', '/opt/t/tool', '/x/', { 'x/tool': 'REAL' }],
    ['what a symlink leads to, by a new name', '/opt/t/tool', '/x/mine', { 'x/mine': 'REAL' }],
    ['what is behind a symlink', '/bin/sh', '/x/', { 'x/sh': 'SH' }],
    ['the contents of a folder', '/opt/v1', '/x', { 'x/a': 'A', 'x/link': '-> a', 'x/sub/b': 'B' }],
    ['those of a folder that a symlink leads to', '/opt/now/', '/x/', { 'x/a': 'A', 'x/link': '-> a', 'x/sub/b': 'B' }],
    ['what a glob matches', '/opt/t/tool*', '/x/', { 'x/tool': 'REAL', 'x/tool-1.2': 'REAL' }],
    ['the contents of folders that it matches', '/opt/v1/*', '/x/', { 'x/a': 'A', 'x/link': 'A', 'x/b': 'B' }],
    ['the one file that it matches, as another', '/opt/v?/a*', '/x', { x: 'A' }],
    ['a name with odd signs', '/opt/{x}/\\[y]', '/x/', { 'x/[y]': 'Y' }],
  ])('is, as COPY has it, %s', async (_, take, to, files) => {
    expect(await listing({ take, to })).toEqual(files)
  })

  it('goes into a folder that the image has, and keeps its owner and mode', async () => {
    const before = await taken({ take: '/usr', to: '/srv' })
    expect(await listing({ take: '/opt/t/tool', to: '/srv/bin' }, before)).toMatchObject({ 'srv/bin/tool': 'REAL' })
    const node = [...walk(await taken({ take: '/opt/t/tool', to: '/srv/bin' }, before))].find(([path]) =>
      /tool/.test(path),
    )
    expect(node![1]).toMatchObject({ attrs: { uid: 7, mode: 0o755 } })
  })

  it.each([
    ['/x', '7:8', { uid: 7, gid: 8, mode: 0o755 }],
    ['/x/', '7:8', { uid: 7, gid: 8, mode: 0o755 }],
    ['/x', 'archive', { uid: 0, gid: 0, mode: 0o755 }],
    ['/srv', '7:8', { uid: 0, gid: 0, mode: 0o755 }],
  ])("has a new folder that is the owner's, and usual otherwise: %s for %s", async (to, owner, attrs) => {
    const before = await taken({ take: '/usr', to: '/srv/' })
    const node = nodeAt(await taken({ take: '/opt/t', to, owner }, before), to)
    expect(node).toMatchObject({ kind: 'directory', attrs })
  })

  it('is no hard link of what else it took', async () => {
    expect(hardLinks(await taken({ take: '/opt/t/tool*', to: '/x/' })).size).toBe(0)
  })

  it('is no hard link of what another step took, and keeps the hard links inside of it', async () => {
    Object.assign(tools, { archiveTrees: new ArchiveTrees() })
    const once = await taken({ take: '/srv', to: '/one' })
    const twice = await taken({ take: '/srv', to: '/two' }, once)
    const links = [...hardLinks(twice).values()].map((paths) => [...paths].sort())
    expect(links.sort()).toEqual([
      ['one/a', 'one/b'],
      ['two/a', 'two/b'],
    ])
  })

  it('is without what is excluded', async () => {
    const step = { take: '/opt/now', to: '/x', exclude: ['opt/now/sub', 'opt/now/l*'] }
    expect(await listing(step)).toEqual({ 'x/a': 'A' })
  })

  it.each([
    ['/opt/none', '/x', 'UNPACK_NOTHING_MATCHED', "root.tar has nothing at '/opt/none'."],
    ['/opt/none*', '/x/', 'UNPACK_NOTHING_MATCHED', "root.tar has nothing at '/opt/none*'."],
    ['/opt/t/gone', '/x/', 'UNPACK_NOTHING_MATCHED', "'/opt/t/gone' is a symlink to '/nowhere', which is not there"],
    ['/opt/t/*', '/x/', 'UNPACK_NOTHING_MATCHED', "'/opt/t/gone' is a symlink to '/nowhere', which is not there"],
    ['/opt/t/loop', '/x/', 'PATH_INVALID', 'leads into a loop of symlinks'],
    ['/opt/t/tool*', '/x', 'PATH_INVALID', "'/opt/t/tool*' is 2 files, and '/x' no folder"],
  ])('has to be there, and to be one thing where one is wanted: %s as %s', async (take, to, code, message) => {
    await expect(taken({ take, to })).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })
})
