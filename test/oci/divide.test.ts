import { describe, expect, it } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent } from '../../src/oci/content.ts'
import { sameTree } from '../../src/oci/diff.ts'
import { divide, type Section } from '../../src/oci/divide.ts'
import { layerMembers } from '../../src/oci/layer-tar.ts'
import { LinkedNames } from '../../src/oci/linked-names.ts'
import { type Directory, directory, EMPTY, FRESH_DIRECTORY, type Node, type Tree } from '../../src/oci/node.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { walk } from '../../src/oci/walk.ts'
import { changeAttrs, without } from '../../src/provision/edit.ts'
import { randomChanges } from '../support/random-changes.ts'
import { Random, randomEdit, randomTree } from '../support/random-tree.ts'

const SEED = Number(process.env.SEED ?? 20261122)
const CASES = 1500

const laid = (sections: readonly Section[]): Tree =>
  sections.reduce((tree: Tree, { layer }) => apply(tree, layer), EMPTY)
const named = ({ layer }: { readonly layer: Directory }) =>
  [...walk(layer)].filter(([, node]) => node.kind !== 'directory' || node.attrs !== null).map(([path]) => path)

/** What steps might make of a tree. */
function changes(below: Tree, random: Random): Tree[] {
  const edited = random.chance(2) ? randomEdit(random, below) : randomTree(random)
  return [below, edited, ...randomChanges(below, below, random)]
}

/** Each section as the tar has it: headers, and which contents. */
function written(sections: readonly Section[]): unknown[][] {
  const names = new LinkedNames(sections.map(({ layer }) => layer))
  return sections.map(({ layer }) =>
    [...layerMembers(layer, [], names)].map(({ header, content }) => [Buffer.from(header).toString('latin1'), content]),
  )
}

describe('the sections of a divided tree', () => {
  it(`are the tree, applied one after the other, and have each name once (${CASES} trees, SEED=${SEED})`, () => {
    for (let seed = SEED; seed < SEED + CASES; seed++) {
      const random = new Random(seed)
      const below = randomTree(random)
      for (const to of changes(below, random)) {
        const sections = divide(below, to)
        expect(sameTree(laid(sections), to), `seed ${seed}`).toBe(true)
        expect(sections.flatMap(named).sort(), `seed ${seed}`).toEqual(named({ layer: to }).sort())
      }
    }
  })

  it(`are the same members up to where their marks are the same (${CASES} trees, SEED=${SEED})`, () => {
    let [same, other] = [0, 0]
    for (let seed = SEED; seed < SEED + CASES; seed++) {
      const random = new Random(seed)
      const below = randomTree(random)
      const known = new Map<string, unknown>()
      for (const to of changes(below, random)) {
        const sections = divide(below, to)
        let key = ''
        for (const [i, members] of written(sections).entries()) {
          const { mark } = sections[i]!
          if (mark === undefined) break
          key += ` ${mark}`
          if (known.has(key)) same++
          else other++
          expect(members, `seed ${seed}`).toEqual(known.get(key) ?? members)
          known.set(key, members)
        }
      }
    }
    expect(same).toBeGreaterThan(CASES)
    expect(other).toBeGreaterThan(CASES)
  })

  const attrs = { ...FRESH_DIRECTORY, mode: 0o644 }
  const file = (text: string): Node => ({ kind: 'file', attrs, content: bytesContent(text) })
  const folder = (children: Record<string, Node>): Tree =>
    directory(new Map(Object.entries(children)), FRESH_DIRECTORY) as Tree
  const linked = file('linked')
  const below = folder({
    bin: folder({ a: linked, sh: file('sh') }),
    etc: folder({ hosts: file('hosts'), ssl: folder({ cert: file('cert') }) }),
    lib: folder({ a: linked, b: file('b') }),
  })
  const with_ = (tree: Tree, path: string, node: Node) =>
    apply(
      tree,
      path.split('/').reduceRight<Node>((inner, name) => directory(new Map([[name, inner]])), node) as Directory,
    )
  const later = { ...FRESH_DIRECTORY, mtime: 5 }

  it.each<[string, Tree, string[][]]>([
    [
      'nothing changes',
      below,
      [['bin', 'bin/a', 'bin/sh', 'etc', 'etc/hosts', 'etc/ssl', 'etc/ssl/cert', 'lib', 'lib/a', 'lib/b']],
    ],
    [
      'a file is new and another one changes',
      with_(with_(below, 'bin/zz', file('new')), 'etc/hosts', file('other')),
      [
        ['bin', 'bin/a', 'bin/sh', 'etc', 'etc/ssl', 'etc/ssl/cert', 'lib', 'lib/a', 'lib/b'],
        ['bin/zz', 'etc/hosts'],
      ],
    ],
    [
      'a folder has another time',
      changeAttrs(below, ['etc'], false, () => later),
      [
        ['bin', 'bin/a', 'bin/sh', 'lib', 'lib/a', 'lib/b'],
        ['etc', 'etc/hosts', 'etc/ssl', 'etc/ssl/cert'],
      ],
    ],
    [
      'a file goes',
      without(below, 'etc/ssl/cert'),
      [['bin', 'bin/a', 'bin/sh', 'etc', 'etc/hosts', 'etc/ssl', 'lib', 'lib/a', 'lib/b']],
    ],
    [
      'one of two names of a file goes',
      without(below, 'bin/a'),
      [['bin', 'bin/sh', 'etc', 'etc/hosts', 'etc/ssl', 'etc/ssl/cert', 'lib', 'lib/b'], ['lib/a']],
    ],
  ])('have, when %s, what the base has first', (_, to, wanted) => {
    expect(divide(below, to).map((section) => named(section).sort())).toEqual(wanted)
  })

  it('have the second name of a file as a link to the first, which may be in the section before', () => {
    const to = changeAttrs(below, ['lib'], false, () => later)
    const [first, second] = divide(below, to)
    const names = new LinkedNames([first!.layer, second!.layer])
    names.passed(first!.layer)
    const link = [...layerMembers(second!.layer, [], names)].find(({ path }) => path === 'lib/a')!
    expect(Buffer.from(link.header).toString('latin1', 156, 163)).toBe('1bin/a\0')
    expect(nodeAt(laid([first!, second!]), 'lib/a')).toBe(nodeAt(laid([first!, second!]), 'bin/a'))
  })

  it('are found as deep as a path can lead', () => {
    const deep = (text: string) => Array.from({ length: 2047 }).reduce<Node>((d) => folder({ d }), file(text)) as Tree
    const [untouched, news] = divide(deep('one'), deep('other'))
    expect(named(untouched!)).toHaveLength(2046)
    expect(named(news!)).toHaveLength(1)
  })

  it('are one of which nobody knows what decides it, when there is nothing below', () => {
    expect(divide(EMPTY, below)).toEqual([{ layer: below }])
  })
})
