import { describe, expect, it } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, Slice, SliceFile } from '../../src/oci/content.ts'
import { diff, isEmptyLayer, sameTree } from '../../src/oci/diff.ts'
import type { Attrs, Directory, File, Node, Symlink, Tree } from '../../src/oci/node.ts'
import { directory, EMPTY, FRESH_DIRECTORY, NO_XATTRS, WHITEOUT } from '../../src/oci/node.ts'
import { nodeAt, placeAt } from '../../src/oci/tree-paths.ts'
import { walk } from '../../src/oci/walk.ts'
import { Random, randomEdit, randomLayer, randomTree } from '../support/random-tree.ts'

const PLAIN: Attrs = { mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: NO_XATTRS }
const file = (text: string): File => ({ kind: 'file', attrs: PLAIN, content: bytesContent(text) })
const symlink = (target: string): Symlink => ({ kind: 'symlink', attrs: { ...PLAIN, mode: 0o777 }, target })
const made = (children: Record<string, Node>): Tree =>
  directory(new Map(Object.entries(children)), FRESH_DIRECTORY) as Tree
const implied = (children: Record<string, Node>): Directory => directory(new Map(Object.entries(children)))
const paths = (root: Directory) => [...walk(root)].map(([path, node]) => `${path}:${node.kind}`)

describe('the laws of apply and diff', () => {
  const seed = Number(process.env.SEED ?? 20261120)
  const cases = 3000

  it(`hold for ${cases} random pairs of trees (SEED=${seed})`, () => {
    for (let i = 0; i < cases; i++) {
      const random = new Random(seed + i)
      const a = randomTree(random)
      const b = random.chance(2) ? randomEdit(random, a) : randomTree(random)
      const layer = diff(a, b)
      expect(sameTree(apply(a, layer), b), `apply(a, diff(a, b)) equals b, seed ${seed + i}`).toBe(true)
      expect(isEmptyLayer(diff(a, a))).toBe(true)
      expect(sameTree(apply(EMPTY, diff(EMPTY, b)), b), `a squashed tree is the tree, seed ${seed + i}`).toBe(true)
      for (const [path, node] of walk(layer)) {
        if (node.kind === 'directory') expect(node.attrs, `${path} carries its attributes`).not.toBeNull()
      }
    }
  })

  it('leave neither whiteouts nor opaque marks nor links in an applied tree', () => {
    for (let i = 0; i < cases; i++) {
      const random = new Random(seed + i)
      const applied = apply(randomTree(random), randomLayer(random))
      for (const [path, node] of walk(applied)) {
        const clean = node.kind !== 'whiteout' && node.kind !== 'link' && !(node.kind === 'directory' && node.opaque)
        expect(clean, `${path} is a ${node.kind}, seed ${seed + i}`).toBe(true)
      }
    }
  })
})

describe('apply', () => {
  it('lands behind thousands of symlinks in the time that as many folders take', () => {
    const count = 20_000
    const numbers = Array.from({ length: count }, (_, i) => i)
    const all = <N extends Node>(name: string, node: (i: number) => N) =>
      Object.fromEntries(numbers.map((i) => [`${name}${i}`, node(i)]))
    const tree = made({
      links: made(all('l', (i) => symlink(i % 2 === 0 ? '/one' : `/more/d${i}`))),
      more: made(all('d', () => made({}))),
      one: made({}),
    })
    const laid = apply(tree, implied({ links: implied(all('l', (i) => implied({ [`f${i}`]: file(`${i}`) }))) }))
    expect((nodeAt(laid, 'one') as Directory).children.size).toBe(count / 2)
    expect(nodeAt(laid, 'more/d1/f1')?.kind).toBe('file')
    expect(nodeAt(laid, 'links')).toBe(nodeAt(tree, 'links'))
  }, 20_000)

  it.each([
    ['a file where another goes through', { a: { b: file('1') }, c: { x: file('2') } }, 'PATH_INVALID'],
    ['a symlink where another goes through', { a: { b: symlink('/elsewhere') }, c: { x: file('2') } }, 'elsewhere/x'],
    ['two files of one name', { a: { z: file('1') }, d: { z: file('22') } }, 'there/z'],
  ])('lands behind symlinks one after the other: %s', (_, layers, want) => {
    const tree = made({
      ...{ a: symlink('/there'), c: symlink('/there/b'), d: symlink('/there') },
      ...{ there: made({ b: made({ old: file('') }) }), elsewhere: made({}) },
    })
    const parts = Object.entries(layers).map(([name, children]) => [name, implied(children)] as const)
    const lay = () => apply(tree, implied(Object.fromEntries(parts)))
    const byOne = () => parts.reduce((done, [name, part]) => apply(done, implied({ [name]: part })), tree)
    if (want === 'PATH_INVALID') {
      expect(byOne).toThrow(expect.objectContaining({ code: want }))
      expect(lay).toThrow(expect.objectContaining({ code: want }))
      return
    }
    expect(sameTree(lay(), byOne())).toBe(true)
    expect(nodeAt(lay(), want)).toMatchObject({ kind: 'file', content: { size: want === 'there/z' ? 2 : 1 } })
  })

  it('lands behind a symlink where a directory is only implied, as on a merged-/usr base', () => {
    const base = made({ lib: symlink('usr/lib'), usr: made({ lib: made({ old: file('') }) }) })
    expect(paths(apply(base, placeAt('lib/x', file('x'))))).toEqual([
      'lib:symlink',
      'usr:directory',
      'usr/lib:directory',
      'usr/lib/old:file',
      'usr/lib/x:file',
    ])
  })

  it('replaces a symlink by a directory that has attributes of its own', () => {
    const base = made({ lib: symlink('usr/lib'), usr: made({ lib: made({}) }) })
    expect(paths(apply(base, implied({ lib: made({ x: file('x') }) })))).toContain('lib/x:file')
  })

  it.each([
    ['an absolute target', '/srv/data', 'srv/data/x:file'],
    ['a target that climbs above the root', '../../../srv', 'srv/x:file'],
    ['a target that does not exist yet', 'new/place', 'new/place/x:file'],
    ['a chain of symlinks', 'hop', 'srv/x:file'],
  ])('follows a symlink with %s inside the root only', (_, target, want) => {
    const base = made({ www: symlink(target), hop: symlink('/srv'), srv: made({}) })
    expect(paths(apply(base, placeAt('www/x', file('x'))))).toContain(want)
  })

  it('refuses to go through a loop of symlinks', () => {
    const base = made({ a: symlink('b'), b: symlink('a') })
    expect(() => apply(base, placeAt('a/x', file('x')))).toThrow(/loop of symlinks/)
  })

  it('refuses to put something inside a file, and names it', () => {
    expect(() => apply(made({ etc: file('') }), placeAt('etc/x', file('x')))).toThrow('/etc is no directory')
  })

  it('keeps the very object of everything that a layer does not name', () => {
    const base = made({ etc: made({ passwd: file('root') }), usr: made({ bin: made({ sh: file('sh') }) }) })
    const applied = apply(base, placeAt('etc/issue', file('hello')))
    expect(nodeAt(applied, 'usr')).toBe(nodeAt(base, 'usr'))
    expect(nodeAt(applied, 'etc/passwd')).toBe(nodeAt(base, 'etc/passwd'))
    expect(apply(base, implied({ usr: implied({ bin: implied({}) }) }))).toBe(base)
  })

  it('links to a file of the layer below, and to nothing else', () => {
    const base = made({ bin: made({ perl: file('perl') }) })
    const applied = apply(base, placeAt('bin/perl5', { kind: 'link', target: 'bin/perl' }))
    expect(nodeAt(applied, 'bin/perl5')).toBe(nodeAt(applied, 'bin/perl'))
    expect(() => apply(base, placeAt('x', { kind: 'link', target: 'bin' }))).toThrow('which is a directory')
    expect(() => apply(base, placeAt('x', { kind: 'link', target: 'no' }))).toThrow('which does not exist')
  })
})

describe('diff', () => {
  it('ships every name of a group of hard links that changed, so that they stay one file', () => {
    const perl = file('perl')
    const from = made({ perl })
    const to = made({ perl, perl5: perl })
    const layer = diff(from, to)
    expect(paths(layer)).toEqual(['perl:file', 'perl5:file'])
    expect(nodeAt(layer, 'perl')).toBe(nodeAt(layer, 'perl5'))
  })

  it('ships a name that left its group', () => {
    const one = file('one')
    expect(paths(diff(made({ a: one, b: one }), made({ a: one, b: file('one') })))).toEqual(['a:file', 'b:file'])
  })

  it('takes slices of the same place for equal and others for different', () => {
    const slice = (offset: number): File => ({
      kind: 'file',
      attrs: PLAIN,
      content: new Slice(new SliceFile('/store/x.tar'), offset, 10),
    })
    expect(isEmptyLayer(diff(made({ a: slice(512) }), made({ a: slice(512) })))).toBe(true)
    expect(paths(diff(made({ a: slice(512) }), made({ a: slice(1024) })))).toEqual(['a:file'])
  })

  it('whites out what is gone', () => {
    expect(nodeAt(diff(made({ a: file('') }), made({})), 'a')).toBe(WHITEOUT)
  })
})
