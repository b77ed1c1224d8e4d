import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesContent, readAll, SliceFile } from '../../src/oci/content.ts'
import { entryContent, LayerBuilder } from '../../src/oci/layer-read.ts'
import { type Directory, FRESH_DIRECTORY, type Node } from '../../src/oci/node.ts'
import type { TarEntry } from '../../src/oci/tar-scan.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { walk } from '../../src/oci/walk.ts'

type Some = Partial<TarEntry> & { readonly path: string }

function entry(some: Some): TarEntry {
  const type = some.type ?? (some.path.endsWith('/') ? 'directory' : 'file')
  const none = { mode: 0o644, uid: 0, gid: 0, mtime: 0, size: 0, target: '', major: 0, minor: 0 }
  return { ...none, type, xattrs: new Map(), data: [], ...some }
}

const file = (path: string, more: Partial<TarEntry> = {}): Some => ({ path, ...more })
const symlink = (path: string, target: string): Some => ({ path, type: 'symlink', target })
const link = (path: string, target: string): Some => ({ path, type: 'link', target })

function layerOf(...members: Some[]): Directory {
  const builder = new LayerBuilder()
  for (const member of members) builder.add(entry(member), ({ path }) => bytesContent(path))
  return builder.finish()
}

/** What a layer has, a line a node: `path kind`, with a star for implied directories and ! for opaque ones. */
function lines(layer: Directory): string[] {
  const mark = (node: Node) =>
    node.kind === 'directory' ? `${node.attrs === null ? '*' : ''}${node.opaque ? '!' : ''}` : ''
  const target = (node: Node) => (node.kind === 'symlink' || node.kind === 'link' ? ` -> ${node.target}` : '')
  return [...walk(layer)].map(([path, node]) => `${path} ${node.kind}${mark(node)}${target(node)}`)
}

describe('a layer that is read', () => {
  test.each<[string, Some[], string[]]>([
    [
      'names without a directory of their own imply it',
      [file('a/b/c')],
      ['a directory*', 'a/b directory*', 'a/b/c file'],
    ],
    [
      'names are cleaned',
      [file('./a'), file('/b'), file('c//d/', { type: 'file' }), file('.//e/./f')],
      ['a file', 'b file', 'c directory*', 'c/d file', 'e directory*', 'e/f file'],
    ],
    ["'..' ends at the root", [file('../../a'), file('/../b'), file('c/../../d')], ['a file', 'b file', 'd file']],
    [
      "'..' in a name goes before any symlink, and makes nothing",
      [symlink('s', 'x/y'), file('s/../a'), file('n/../b')],
      ['a file', 'b file', 's symlink -> x/y'],
    ],
    ['a later file wins', [file('a', { type: 'fifo' }), file('a')], ['a file']],
    ['a file takes the place of a directory and all in it', [file('a/'), file('a/b/c'), file('a')], ['a file']],
    ['a directory over a directory keeps what is inside', [file('a/b'), file('a/')], ['a directory', 'a/b file']],
    [
      'a directory in the place of a file hides what was below',
      [file('a'), file('a/'), file('a/b')],
      ['a directory!', 'a/b file'],
    ],
    [
      'a directory replaces a symlink',
      [file('d/'), symlink('s', 'd'), file('s/'), file('s/x')],
      ['d directory', 's directory!', 's/x file'],
    ],
    ['a symlink takes the place of a directory', [file('a/b'), symlink('a', 'c')], ['a symlink -> c']],
    [
      'a symlink on the way is followed',
      [file('usr/lib/'), symlink('lib', 'usr/lib'), file('lib/x')],
      ['lib symlink -> usr/lib', 'usr directory*', 'usr/lib directory', 'usr/lib/x file'],
    ],
    [
      'an absolute one starts at the root',
      [symlink('a/s', '/t'), file('a/s/x')],
      ['a directory*', 'a/s symlink -> /t', 't directory*', 't/x file'],
    ],
    [
      'one that climbs out ends at the root',
      [symlink('s', '../../../etc'), file('s/passwd')],
      ['etc directory*', 'etc/passwd file', 's symlink -> ../../../etc'],
    ],
    [
      'one that leads to another is followed too',
      [symlink('a', 'b'), symlink('b', 'c/../d'), file('a/x')],
      ['a symlink -> b', 'b symlink -> c/../d', 'd directory*', 'd/x file'],
    ],
    [
      "'..' behind a symlink is the parent of where it leads",
      [file('d/e/'), symlink('s', 'd/e'), symlink('t', 's/../f'), file('t/x')],
      ['d directory*', 'd/e directory', 'd/f directory*', 'd/f/x file', 's symlink -> d/e', 't symlink -> s/../f'],
    ],
    ['a symlink to the root is the root', [symlink('s', '/'), file('s/x')], ['s symlink -> /', 'x file']],
    ['a symlink to itself is fine while nothing goes through it', [symlink('dash', 'dash')], ['dash symlink -> dash']],
    ['the last symlink is not followed', [symlink('s', '/etc'), file('s')], ['s file']],
    [
      'magic names of /proc are names',
      [symlink('s', '/proc/self/root'), file('s/x')],
      [
        'proc directory*',
        'proc/self directory*',
        'proc/self/root directory*',
        'proc/self/root/x file',
        's symlink -> /proc/self/root',
      ],
    ],
    [
      'names that objects have are names',
      [file('__proto__/constructor')],
      ['__proto__ directory*', '__proto__/constructor file'],
    ],
    [
      'upper and lower case, and bytes, are different names',
      [file('A'), file('a'), file('\xe4'), file('\xc3\xa4')],
      ['A file', 'a file', '\xc3\xa4 file', '\xe4 file'],
    ],
    ['devices stay', [file('null', { type: 'character', major: 1, minor: 3 })], ['null special']],
  ])('%s', (_, members, want) => {
    expect(lines(layerOf(...members))).toEqual(want)
  })

  test.each<[string, Some[], string[]]>([
    ['alone', [file('d/.wh.a')], ['d directory*', 'd/a whiteout']],
    [
      'of any type',
      [link('.wh.a', '.wh..wh.aufs'), file('.wh.b/'), symlink('.wh.c', 'x')],
      ['a whiteout', 'b whiteout', 'c whiteout'],
    ],
    ['before a file of that name', [file('.wh.a'), file('a')], ['a file']],
    ['after a file of that name', [file('a'), file('.wh.a')], ['a file']],
    ['before a directory of that name', [file('.wh.a'), file('a/'), file('a/b')], ['a directory!', 'a/b file']],
    ['after a directory of that name', [file('a/'), file('a/b'), file('.wh.a')], ['a directory!', 'a/b file']],
    ['of a directory that is only implied', [file('a/b'), file('.wh.a')], ['a directory!', 'a/b file']],
    ['of a directory that became a file', [file('a/'), file('.wh.a'), file('a')], ['a file']],
    ['inside a directory that became a file', [file('a/.wh.b'), file('a')], ['a file']],
    [
      'behind a symlink',
      [symlink('s', 'd'), file('s/.wh.x'), file('s/.wh..wh..opq')],
      ['d directory*!', 'd/x whiteout', 's symlink -> d'],
    ],
    ['opaque, before', [file('d/.wh..wh..opq'), file('d/a')], ['d directory*!', 'd/a file']],
    ['opaque, after', [file('d/'), file('d/a'), file('d/.wh..wh..opq')], ['d directory!', 'd/a file']],
    ['opaque, of a directory that is replaced', [file('d/.wh..wh..opq'), file('d')], ['d file']],
    [
      "of aufs' own",
      [file('.wh..wh.aufs'), file('.wh..wh.plnk/'), file('.wh..wh.plnk/1.2'), file('a/.wh..wh.orph/x')],
      [],
    ],
    [
      'look-alikes',
      [file('.wh'), file('wh.a'), file('a.wh.b'), file('.WH.a')],
      ['.WH.a file', '.wh file', 'a.wh.b file', 'wh.a file'],
    ],
    ['of names with dots', [file('.wh....'), file('.wh..a')], ['... whiteout', '.a whiteout']],
  ])('whiteouts: %s', (_, members, want) => {
    expect(lines(layerOf(...members))).toEqual(want)
  })

  test('an opaque mark in the root makes the root opaque', () => {
    expect(layerOf(file('.wh..wh..opq'), file('a'))).toMatchObject({ opaque: true, attrs: null })
  })

  test('an implied directory that is whited out is a fresh one, so that nothing of below shows through', () => {
    expect(nodeAt(layerOf(file('.wh.a'), file('a/b')), 'a')).toMatchObject({ attrs: FRESH_DIRECTORY, opaque: true })
  })

  test('the root has the attributes that it is given, and none by itself', () => {
    expect(layerOf(file('a')).attrs).toBeNull()
    for (const path of ['./', '/', '.', '', 'a/..']) {
      expect(layerOf({ path, type: 'directory', mode: 0o700, uid: 5 }).attrs).toMatchObject({ mode: 0o700, uid: 5 })
    }
  })

  test('attributes, xattrs and device numbers are kept, a symlink always has mode 0777', () => {
    const xattrs = new Map([['user.x', Uint8Array.of(0, 255)]])
    const all = { mode: 0o4711, uid: 3_000_000, gid: 7, mtime: -5, xattrs }
    expect(nodeAt(layerOf(file('f', all)), 'f')).toMatchObject({ kind: 'file', attrs: all })
    expect(nodeAt(layerOf(file('d/', all)), 'd')).toMatchObject({ kind: 'directory', attrs: all })
    const link = layerOf({ ...symlink('s', 't'), ...all })
    expect(nodeAt(link, 's')).toMatchObject({ attrs: { ...all, mode: 0o777 } })
    const device = layerOf(file('b', { ...all, type: 'block', major: 8, minor: 1 }))
    expect(nodeAt(device, 'b')).toMatchObject({ kind: 'special', type: 'block', major: 8, minor: 1, attrs: all })
  })

  test('equal attributes are one object', () => {
    const layer = layerOf(file('a'), file('b'), file('c', { mtime: 1 }))
    const [a, b, c] = ['a', 'b', 'c'].map((path) => nodeAt(layer, path))
    expect(a).toMatchObject({ kind: 'file' })
    expect((a as { attrs: object }).attrs).toBe((b as { attrs: object }).attrs)
    expect((a as { attrs: object }).attrs).not.toBe((c as { attrs: object }).attrs)
  })
})

describe('hard links', () => {
  test.each<[string, Some[], string, string]>([
    ['to a file', [file('a'), link('b', 'a')], 'a', 'b'],
    ['to an absolute name', [file('a'), link('d/b', '/a')], 'a', 'd/b'],
    ['to a name that climbs', [file('a'), link('d/b', '../../x/../a')], 'a', 'd/b'],
    ['to a link', [file('a'), link('b', 'a'), link('c', './b')], 'a', 'c'],
    ['to a symlink, which is not followed', [file('a'), symlink('s', 'a'), link('b', 's')], 's', 'b'],
    ['through a symlink', [file('d/a'), symlink('s', 'd'), link('b', 's/a')], 'd/a', 'b'],
    ['to a device', [file('a', { type: 'fifo' }), link('b', 'a')], 'a', 'b'],
  ])('%s are the same object', (_, members, one, other) => {
    const layer = layerOf(...members)
    expect(nodeAt(layer, one)).toBeDefined()
    expect(nodeAt(layer, one)).toBe(nodeAt(layer, other))
  })

  test('keep the old file when the name they were made from is replaced', () => {
    const layer = layerOf(file('a'), link('b', 'a'), file('a', { mtime: 9 }))
    expect(nodeAt(layer, 'a')).toMatchObject({ attrs: { mtime: 9 } })
    expect(nodeAt(layer, 'b')).toMatchObject({ attrs: { mtime: 0 } })
  })

  test.each<[string, Some[], string[]]>([
    ['a file of a lower layer', [link('b', 'usr/bin/a')], ['b link -> usr/bin/a']],
    ['a file of a lower layer, absolute', [link('b', '/usr/../bin/a')], ['b link -> bin/a']],
    [
      'a file of a lower layer behind a symlink',
      [symlink('s', 'd'), link('b', 's/x/a')],
      ['b link -> d/x/a', 's symlink -> d'],
    ],
    ['a later member, which only lower layers can answer', [link('b', 'a'), file('a')], ['a file', 'b link -> a']],
    ['a link to a lower file', [link('b', 'a'), link('c', 'b')], ['b link -> a', 'c link -> a']],
  ])('to %s wait for apply', (_, members, want) => {
    expect(lines(layerOf(...members))).toEqual(want)
  })

  test('to a lower file keep what the archive says of it', () => {
    expect(nodeAt(layerOf(link('b', 'a')), 'b')).toMatchObject({ attrs: { mode: 0o644, uid: 0 } })
  })
})

describe('refused with LAYER_INVALID', () => {
  const loop = Array.from({ length: 50 }, (_, i) => symlink(`l${i}`, `l${i + 1}`))
  test.each<[string, Some[], RegExp]>([
    ['a whiteout of nothing', [file('d/.wh.')], /'d\/.wh.', a whiteout of nothing/],
    ["a whiteout of '.'", [file('.wh..')], /whiteout/],
    ["a whiteout of '..'", [file('d/.wh...')], /whiteout/],
    ["a member in a whiteout of '.'", [file('.wh../x')], /whiteout/],
    ['a member in a whiteout', [file('.wh.a/'), file('.wh.a/x')], /whiteout/],
    ['a member in an opaque mark', [file('.wh..wh..opq/x')], /whiteout/],
    ['a root that is a file', [file('./', { type: 'file' })], /'\.\/' is a file in the place of the root/],
    ['a root that is a symlink', [symlink('.', '/etc')], /symlink in the place of the root/],
    ['a root that is a symlink by climbing', [symlink('a/..', '/etc')], /symlink in the place of the root/],
    ['a member inside a file', [file('a'), file('a/b')], /\/a, but 'a' on the way is no directory/],
    ['a member inside a file behind a symlink', [file('a'), symlink('s', 'a'), file('s/b')], /no directory/],
    ['a member inside a hard link', [link('a', 'x'), file('a/b')], /no directory/],
    ['a member inside a device', [file('a', { type: 'block' }), file('a/b/c')], /no directory/],
    ['a symlink that is its own parent', [symlink('s', 's'), file('s/x')], /more than 40 symlinks/],
    ['two that lead to each other', [symlink('a', 'b/x'), symlink('b', '/a'), file('a/x')], /more than 40 symlinks/],
    ['a chain of 50', [...loop, file('l0/x')], /more than 40 symlinks/],
    ['a hard link to a directory', [file('d/'), link('b', 'd')], /hard link to 'd', which is a directory/],
    ['a hard link to the root', [link('b', '/..')], /which is a directory/],
    ['a hard link to nothing', [link('b', '')], /which is a directory/],
    ['a hard link to itself', [file('b'), link('b', './b')], /to itself/],
    ['a hard link through a file', [file('a'), link('b', 'a/x')], /no directory/],
    ['a symlink to nothing', [symlink('s', '')], /symlink to nothing/],
    ['a symlink of 4096 bytes', [symlink('s', 'x'.repeat(4096))], /target of 4096 bytes/],
    ['a hard link of 4096 bytes', [link('s', 'x/'.repeat(2048))], /target of 4096 bytes/],
    ['a name of 256 bytes', [file('n'.repeat(256))], /of 256 bytes; Linux has at most 255/],
    ['a directory of 256 bytes', [file(`${'n'.repeat(256)}/x`)], /of 256 bytes/],
    ['a whiteout of 256 bytes', [file(`.wh.${'n'.repeat(256)}`)], /of 256 bytes/],
    ['a path of 4096 bytes', [file(`${'d/'.repeat(2047)}ab`)], /of 4096 bytes; Linux has at most 4095/],
    [
      'a path that a symlink makes too long',
      [symlink('s', 'd/'.repeat(2000)), file(`s/${'e/'.repeat(60)}x`)],
      /Linux has at most 4095/,
    ],
    ['a path of 10,000 directories', [file(`${'d/'.repeat(10_000)}x`)], /Linux has at most 4095/],
  ])('%s', (_, members, message) => {
    const error = expect.objectContaining({ code: 'LAYER_INVALID', message: expect.stringMatching(message) })
    expect(() => layerOf(...members)).toThrow(error)
  })

  test('nothing that is just within the limits', () => {
    const name = 'n'.repeat(255)
    const path = `${'d/'.repeat(2047)}a`
    const layer = layerOf(file(name), file(`.wh.w${name.slice(1)}`), file(path), symlink('s', 'x'.repeat(4095)))
    expect([...layer.children.keys()].sort()).toEqual(['d', name, 's', `w${name.slice(1)}`].sort())
    expect(nodeAt(layer, path)).toMatchObject({ kind: 'file' })
  })
})

test('200,000 members of a layer are read in linear time', () => {
  const builder = new LayerBuilder()
  const content = bytesContent('')
  const timed = (count: number, prefix: string) => {
    const start = performance.now()
    for (let i = 0; i < count; i++) {
      builder.add(entry({ path: `${prefix}/usr/share/d${i % 1000}/file-number-${i}` }), () => content)
    }
    return performance.now() - start
  }
  timed(20_000, 'warm')
  const few = timed(20_000, 'a')
  const many = timed(200_000, 'b')
  // Quadratic would be 100 times as long; the rest is room for a busy machine.
  expect(many).toBeLessThan(Math.max(few, 5) * 40)
  builder.finish()
})

describe('entryContent', () => {
  test('is a slice of the archive, or a file with holes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocibake-content-'))
    const path = join(folder, 'raw')
    writeFileSync(path, '0123456789')
    const raw = new SliceFile(path)
    const read = async (some: Some) => (await readAll(entryContent(raw, entry(some)), 1e6)).toString('latin1')
    expect(await read(file('a', { size: 3, data: [{ at: 0, offset: 2, size: 3 }] }))).toBe('234')
    expect(await read(file('a', { size: 0 }))).toBe('')
    expect(await read(file('a', { size: 70_000 }))).toBe('\0'.repeat(70_000))
    const data = [
      { at: 1, offset: 2, size: 2 },
      { at: 3, offset: 8, size: 1 },
    ]
    expect(await read(file('a', { size: 6, data }))).toBe('\x00238\0\0')
    raw.close()
    rmSync(folder, { recursive: true })
  })
})
