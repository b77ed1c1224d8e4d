import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesContent, type Content, readAll } from '../../src/oci/content.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { LayerBuilder } from '../../src/oci/layer-read.ts'
import { type ByteString, toBytes } from '../../src/oci/name.ts'
import {
  type Attrs,
  type Directory,
  directory,
  type File,
  type Leaf,
  NO_XATTRS,
  type Node,
  WHITEOUT,
} from '../../src/oci/node.ts'
import { hardLinks, walk } from '../../src/oci/walk.ts'
import { collect } from '../support/bytes.ts'
import { Random } from '../support/random-tree.ts'
import { contentOf, scan } from '../support/raw-tar.ts'

const written = (layer: Directory): Promise<Buffer> => collect(layerBytes(layer))

function read(bytes: Buffer, random?: Random): Directory {
  const builder = new LayerBuilder()
  for (const entry of scan(bytes, random)) builder.add(entry, () => bytesContent(contentOf(bytes, entry)))
  return builder.finish()
}

/** Everything that a layer says, as plain data: equal data means equal layers. */
async function plain(layer: Directory): Promise<unknown[]> {
  const links = hardLinks(layer)
  const rows: unknown[] = [['', layer.attrs, layer.opaque]]
  for (const [path, node] of walk(layer)) {
    const { kind } = node
    const names = links.get(node)
    if (kind === 'directory') rows.push([path, kind, node.attrs, node.opaque])
    else if (kind === 'file')
      rows.push([path, kind, node.attrs, names, (await readAll(node.content, 1e6)).toString('hex')])
    else rows.push([path, names, node])
  }
  return rows
}

const LONG = 'l'.repeat(255)
const NAMES = ['a', 'b', 'c', 'd d', 'UP', '\xc3\xbc', '\xff\xfe', 'e\nf', '-x', '=1', '..a', 'wh.x', '__proto__', LONG]

function randomAttrs(random: Random): Attrs {
  const xattrs = new Map<ByteString, Uint8Array>()
  while (random.chance(4)) {
    const value = Uint8Array.from({ length: random.pick([0, 1, 20, 700]) }, () => random.below(256))
    xattrs.set(random.pick(['user.a', 'user.\xff', 'security.capability', 'trusted.x']), value)
  }
  return {
    mode: random.below(0o10000),
    uid: random.pick([0, 1, 65_100, 2_097_151, 2_097_152, 3_000_000, 4_294_967_294]),
    gid: random.pick([0, 42, 2_097_152]),
    mtime: random.pick([0, -5, -1e10, 1_700_000_000, 2 ** 31, 8 ** 11 - 1, 8 ** 11, 1e13]),
    xattrs: xattrs.size === 0 ? NO_XATTRS : xattrs,
  }
}

function randomLeaf(random: Random): Leaf {
  const attrs = randomAttrs(random)
  const type = random.pick(['file', 'file', 'file', 'symlink', 'character', 'block', 'fifo'] as const)
  if (type === 'fifo') return { kind: 'special', attrs, type, major: 0, minor: 0 }
  if (type === 'character' || type === 'block') {
    return { kind: 'special', attrs, type, major: random.below(4096), minor: random.below(1_048_576) }
  }
  const target = random.pick(['a', '../../x', '/abs/olute', '\xff', 't'.repeat(101), 't'.repeat(4095), 'n\nl'])
  if (type === 'symlink') return { kind: 'symlink', attrs: { ...attrs, mode: 0o777 }, target }
  const size = random.pick([0, 1, 511, 512, 513, 5000])
  return { kind: 'file', attrs, content: bytesContent(Buffer.alloc(size, random.pick(['x', '\0', 'abc']))) }
}

/** Any layer at all that an archive can hold, its root not opaque, because that would hide what its links name. */
function randomLayer(random: Random): Directory {
  return { ...randomDirectory(random, 4, false), opaque: false }
}

/** A `tree` has nothing that only layers have. */
function randomDirectory(random: Random, depth: number, tree: boolean, made: Leaf[] = []): Directory {
  const children = new Map<ByteString, Node>()
  while (!random.chance(6)) {
    const roll = random.below(12)
    const name = random.pick(NAMES)
    if (roll < 5 && depth > 0) children.set(name, randomDirectory(random, depth - 1, tree, made))
    else if (roll === 5 && !tree) children.set(name, WHITEOUT)
    else if (roll === 6 && !tree) {
      children.set(name, { kind: 'link', target: random.pick(['lower/a', 'lower/\xff']), attrs: randomAttrs(random) })
    } else if (roll < 9 && made.length > 0) children.set(name, random.pick(made))
    else {
      const leaf = randomLeaf(random)
      made.push(leaf)
      children.set(name, leaf)
    }
  }
  const opaque = !tree && random.chance(6)
  const implied = !tree && random.chance(3) && (opaque || children.size > 0)
  return directory(children, implied ? null : randomAttrs(random), opaque)
}

describe('layerBytes', () => {
  test('writes what is read back as the same layer, whatever is in it', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed)
      const layer = randomLayer(random)
      const bytes = await written(layer)
      expect(await plain(read(bytes, random)), `seed ${seed}`).toEqual(await plain(layer))
    }
  })

  test('writes the same bytes for equal layers, however they were made', { timeout: 60_000 }, async () => {
    const shuffled = (node: Directory): Directory => {
      const children = [...node.children].reverse()
      return { ...node, children: new Map(children.map(([k, v]) => [k, v.kind === 'directory' ? shuffled(v) : v])) }
    }
    for (let seed = 1; seed <= 25; seed++) {
      const layer = randomLayer(new Random(seed))
      const bytes = await written(layer)
      expect((await written(shuffled(layer))).equals(bytes), `seed ${seed}`).toBe(true)
      expect((await written(read(bytes))).equals(bytes), `seed ${seed}`).toBe(true)
    }
  })

  test('a path of 4095 bytes and 2048 directories costs no stack', async () => {
    const leaf: Node = { kind: 'file', attrs: randomAttrs(new Random(1)), content: bytesContent('deep') }
    let layer = directory(new Map([['f', leaf]]))
    for (let i = 0; i < 2047; i++) layer = directory(new Map([['d', layer]]), randomAttrs(new Random(i)))
    expect(await plain(read(await written(layer)))).toEqual(await plain(layer))
  })

  const A: Attrs = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: NO_XATTRS }
  const file = (text: string, more: Partial<Attrs> = {}): File => {
    return { kind: 'file', attrs: { ...A, ...more }, content: bytesContent(text) }
  }
  const of = (children: Record<string, Node>, attrs: Attrs | null = null, opaque = false) =>
    directory(new Map(Object.entries(children)), attrs, opaque)

  test('orders parents first, then by bytes, the opaque mark right behind its directory', async () => {
    const layer = of(
      {
        b: of({ y: WHITEOUT, x: file('') }, A, true),
        'b-': file(''),
        a: of({ q: file('') }),
        '\xff': file(''),
        B: file(''),
      },
      A,
      true,
    )
    expect(scan(await written(layer)).map(({ path }) => path)).toEqual([
      './',
      '.wh..wh..opq',
      'B',
      'a/q',
      'b/',
      'b/.wh..wh..opq',
      'b/x',
      'b/.wh.y',
      'b-',
      '\xff',
    ])
  })

  test('writes marks as empty files of mode 0 without owner and time', async () => {
    const marks = scan(await written(of({ d: of({ x: WHITEOUT }, null, true) })))
    expect(marks).toMatchObject([
      { path: 'd/.wh..wh..opq', type: 'file', mode: 0, uid: 0, gid: 0, mtime: 0, size: 0 },
      { path: 'd/.wh.x', type: 'file', mode: 0, uid: 0, gid: 0, mtime: 0, size: 0 },
    ])
  })

  test('writes a shared file once, and its other names as links with the same attributes and xattrs', async () => {
    const shared = file('bytes', { uid: 7, mode: 0o4755, xattrs: new Map([['security.capability', Uint8Array.of(1)]]) })
    const entries = scan(await written(of({ z: shared, d: of({ m: shared }), e: shared })))
    const want = { mode: 0o4755, uid: 7, xattrs: shared.attrs.xattrs }
    expect(entries).toMatchObject([
      { ...want, path: 'd/m', type: 'file', size: 5, target: '' },
      { ...want, path: 'e', type: 'link', size: 0, target: 'd/m' },
      { ...want, path: 'z', type: 'link', size: 0, target: 'd/m' },
    ])
  })

  test('passes chunks uncopied, and pads to whole blocks', async () => {
    const chunk = Buffer.alloc(700, 'c')
    const chunks = []
    const big = file('', { mtime: -1 })
    for await (const bytes of layerBytes(of({ f: { ...big, content: bytesContent(chunk) }, g: file('') })))
      chunks.push(bytes)
    expect(chunks.map((bytes) => bytes.length)).toEqual([1536, 700, 324, 512, 1024])
    expect(chunks[1]).toBe(chunk)
  })

  test.each<[string, string, Directory]>([
    ['LAYER_INVALID', 'a name that is a whiteout', of({ d: of({ '.wh.x': file('') }) })],
    ['LAYER_INVALID', 'a name that is an opaque mark', of({ '.wh..wh..opq': file('') })],
    ['LAYER_INVALID', 'a directory whose name is a whiteout', of({ '.wh.d': of({ x: file('') }, A) })],
    ['LAYER_INVALID', 'a whiteout of a whiteout', of({ '.wh.d': WHITEOUT })],
    ['LAYER_INVALID', 'an implied directory with nothing in it', of({ d: of({}) })],
    [
      'LAYER_INVALID',
      'a link to a lower file that this layer replaces',
      of({ b: { kind: 'link', target: 'a' }, a: file('') }),
    ],
    [
      'LAYER_INVALID',
      'a link to a lower file that this layer deletes',
      of({ b: { kind: 'link', target: 'd/a' }, d: of({ a: WHITEOUT }) }),
    ],
    [
      'LAYER_INVALID',
      'a link to a lower file in a deleted directory',
      of({ b: { kind: 'link', target: 'd/a' }, d: WHITEOUT }),
    ],
    [
      'LAYER_INVALID',
      'a link to a lower file in an opaque directory',
      of({ b: { kind: 'link', target: 'd/e/a' }, d: of({}, A, true) }),
    ],
    ['PATH_INVALID', "the name '..'", of({ d: of({ '..': file('') }) })],
    ['PATH_INVALID', "the name '.'", of({ '.': of({}, A) })],
    ['PATH_INVALID', 'an empty name', of({ d: of({ '': WHITEOUT }) })],
    ['PATH_INVALID', 'a NUL in a name', of({ 'a\0b': file('') })],
  ])('refuses with %s %s', async (code, _, layer) => {
    await expect(written(layer)).rejects.toMatchObject({ code })
  })

  const lying = (size: number, ...chunks: string[]): Content => ({
    size,
    async *open() {
      for (const chunk of chunks) yield Buffer.from(chunk)
    },
  })
  test.each([
    ['fewer', lying(5, 'ab'), '/f gave 2 bytes while it was read; wanted 5.'],
    ['no', lying(5), '/f gave 0 bytes while it was read; wanted 5.'],
    ['more', lying(5, 'abc', 'def', 'ghi'), '/f gave at least 6 bytes while it was read; wanted 5.'],
    ['any', lying(0, 'a'), '/f gave at least 1 bytes while it was read; wanted 0.'],
  ])('stops at a content that gives %s bytes', async (_, content, message) => {
    await expect(written(of({ f: { kind: 'file', attrs: A, content } }))).rejects.toMatchObject({
      code: 'FILE_CHANGED',
      message,
    })
  })
})

describe.skipIf(process.getuid?.() !== 0)('GNU tar as root', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocibake-layer-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('unpacks what is written to the tree that was meant', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const tree = randomDirectory(new Random(seed), 3, true)
      const root = join(folder, String(seed))
      writeFileSync(`${root}.tar`, await written(tree))
      execFileSync('mkdir', [root])
      const args = ['--xattrs', '--xattrs-include=user.a', '--numeric-owner', '--warning=no-timestamp']
      execFileSync('tar', [...args, '-xpf', `${root}.tar`, '-C', root], { stdio: ['ignore', 'ignore', 'pipe'] })
      const links = hardLinks(tree)
      for (const [path, node] of [['', tree] as const, ...walk(tree)]) {
        const host = Buffer.concat([Buffer.from(`${root}/`), toBytes(path)])
        const stat = lstatSync(host)
        if (!('attrs' in node) || node.attrs === undefined || node.attrs === null) throw new Error('not in a tree')
        const want = `seed ${seed}, /${path}`
        expect(stat.mode & 0o7777, want).toBe(node.attrs.mode)
        expect([stat.uid, stat.gid], want).toEqual([node.attrs.uid, node.attrs.gid])
        // What the file system cannot hold (ext4: beyond 2446) it clamps by itself.
        if (Math.abs(node.attrs.mtime) < 2 ** 33) expect(Math.floor(stat.mtimeMs / 1000), want).toBe(node.attrs.mtime)
        if (node.kind === 'file') expect(readFileSync(host).equals(await readAll(node.content, 1e6)), want).toBe(true)
        if (node.kind === 'symlink') expect(readlinkSync(host, 'latin1'), want).toBe(node.target)
        expect(stat.isDirectory(), want).toBe(node.kind === 'directory')
        for (const other of links.get(node) ?? []) {
          expect(lstatSync(Buffer.concat([Buffer.from(`${root}/`), toBytes(other)])).ino, want).toBe(stat.ino)
        }
      }
    }
  })
})
