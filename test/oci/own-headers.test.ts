import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent } from '../../src/oci/content.ts'
import { layerBytes } from '../../src/oci/layer-bytes.ts'
import { layerMembers } from '../../src/oci/layer-tar.ts'
import { type Directory, directory, type File, FRESH_DIRECTORY, type Node, type Tree } from '../../src/oci/node.ts'
import { BLOCK, encodeEntry, padding, sumOf } from '../../src/oci/tar-header.ts'
import { nodeAt, placeAt } from '../../src/oci/tree-paths.ts'
import { collect } from '../support/bytes.ts'
import { Random, randomEdit, randomTree } from '../support/random-tree.ts'
import { archive, contentOf, rawMember, rawPax, scan } from '../support/raw-tar.ts'
import { canonical, type ReadTar, readTar } from '../support/read-tar.ts'

function changed(tree: Directory, path: string, node: Partial<Node>): Tree {
  return apply(tree as Tree, placeAt(path, { ...nodeAt(tree, path)!, ...node } as Node))
}

function without(tree: Directory, path: string): Tree {
  return apply(tree as Tree, placeAt(path, { kind: 'whiteout' }))
}

describe('an archive that GNU tar made', () => {
  let folder: string
  const long = `${'d'.repeat(80)}/${'e'.repeat(70)}`

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocibake-own-'))
    const root = join(folder, 'root')
    for (const path of ['etc/alternatives', `usr/share/${long}`, 'var/empty']) {
      mkdirSync(join(root, path), { recursive: true })
    }
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n')
    writeFileSync(join(root, 'etc/shadow'), 's'.repeat(512), { mode: 0o600 })
    writeFileSync(join(root, 'etc/z\xfcrich'), 'a name beyond ASCII')
    writeFileSync(join(root, 'usr/share/nothing'), '')
    for (const name of ['one', 'two']) writeFileSync(join(root, 'usr/share', long, name), name.repeat(1000))
    linkSync(join(root, 'usr/share', long, 'one'), join(root, 'usr/share/z-one'))
    linkSync(join(root, 'usr/share/nothing'), join(root, 'usr/share/z-nothing'))
    symlinkSync('../../etc/passwd', join(root, 'etc/alternatives/a'))
    symlinkSync(`/usr/share/${long}`, join(root, 'etc/alternatives/b'))
    execFileSync('mkfifo', [join(root, 'var/fifo')])
    utimesSync(join(root, 'etc/passwd'), 1_700_000_000.25, 1_700_000_000.75)
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function tarred(format: string): ReadTar & { bytes: Buffer } {
    // Their targets are too long for ustar.
    const not = format === 'ustar' ? ['--exclude=alternatives/b', '--exclude=z-one'] : []
    const args = [`--format=${format}`, '--sort=name', ...not, '-cf', '-', '-C', join(folder, 'root'), '.']
    const bytes = execFileSync('tar', args)
    return { ...readTar(bytes), bytes }
  }

  test.each(['gnu', 'posix', 'ustar'])('is written as the same bytes when nothing changed (%s)', async (format) => {
    const { bytes, layer, file } = tarred(format)
    const again = await collect(layerBytes(layer, [file]))
    expect(again.equals(bytes.subarray(0, again.length))).toBe(true)
    expect(again.equals(await collect(layerBytes(layer)))).toBe(false)
  })

  test.each(['gnu', 'posix'])('loses the header of the one member that changed (%s)', (format) => {
    const tar = tarred(format)
    const { attrs } = nodeAt(tar.layer, 'etc/shadow') as File
    const edited = changed(tar.layer, 'etc/shadow', { attrs: { ...attrs, mode: 0o640 } })
    expect(canonical(edited, tar)).toEqual(['etc/shadow'])
  })

  test('reads as before for GNU tar when some of its members were changed', async () => {
    const { layer, file } = tarred('posix')
    const { attrs } = nodeAt(layer, 'etc') as Tree
    const edited = without(changed(layer, 'etc', { attrs: { ...attrs, mode: 0o700 } }), 'usr/share/nothing')
    const listed = async (tars: ReadTar['file'][]) => {
      const input = await collect(layerBytes(edited, tars))
      const lines = execFileSync('tar', ['-tvf', '-', '--numeric-owner', '--utc'], { input }).toString('latin1')
      return lines.replace(/ \.\/(?=[^\n])/g, ' ')
    }
    expect(await listed([file])).toBe(await listed([]))
  })
})

describe('of an archive that anybody made', () => {
  /** Its members as another tool, or a bad one, may have written them. */
  function rewritten(random: Random, tree: Buffer): Buffer {
    const prefix = random.pick(['', './'])
    return archive(
      ...scan(tree).flatMap((entry) => {
        const named = { ...entry, path: entry.path === './' ? './' : prefix + entry.path }
        const header = encodeEntry(entry.type === 'link' ? { ...named, target: prefix + entry.target } : named)
        rewrite(random, header)
        const body = contentOf(tree, entry)
        const rest = Buffer.from(padding(body.length))
        if (random.chance(30)) rest.fill(7)
        return [...(random.chance(30) ? [rawPax([['comment', 'c']], 'g')] : []), header, body, rest]
      }),
    )
  }

  /** The file types of stat(2), by type flag. */
  const TYPE_DIGITS = ['010', '010', '012', '002', '006', '004', '001']

  function rewrite(random: Random, header: Buffer): void {
    const block = header.subarray(header.length - BLOCK)
    if (random.chance(3)) block.write('root', 265, 'latin1')
    if (random.chance(3) && header.length === BLOCK) block.write('ustar  \0', 257, 'latin1')
    if (random.chance(3)) block.write(TYPE_DIGITS[Number(String.fromCharCode(block[156]!))]!, 100, 'latin1')
    if (random.chance(30)) block.write(random.pick(TYPE_DIGITS), 100, 'latin1')
    if (random.chance(30)) block.write('   ', 100, 'latin1')
    if (random.chance(30) && block[156] === 0x30) block.write(random.pick(['7', '\0']), 156, 'latin1')
    block.write(`${sumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  }

  const plainName = (name: string) => name.replace(/^\.\/(?=.)/, '').replace(/(?<=.)\/$/, '')

  /** What readers have of an archive, whichever way its names were written. */
  function meanings(bytes: Buffer): unknown[] {
    return scan(bytes).map((entry) => ({
      ...entry,
      path: plainName(entry.path),
      target: entry.type === 'link' ? plainName(entry.target) : entry.target,
      data: contentOf(bytes, entry).toString('latin1'),
    }))
  }

  test('every member means the same with its own header, which stands behind the member before it', async () => {
    let own = 0
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed)
      const raw = rewritten(random, await collect(layerBytes(randomTree(random))))
      const { layer, file } = readTar(raw)
      const edited = random.chance(4) ? layer : randomEdit(random, layer as Tree)
      expect(meanings(await collect(layerBytes(edited, [file]))), `seed ${seed}`).toEqual(
        meanings(await collect(layerBytes(edited))),
      )
      const names = new Map(scan(raw).map(({ path, data }) => [data[0]?.offset, plainName(path)]))
      let end = 0
      for (const { path, header, headerFrom, contentFrom } of layerMembers(edited, [file])) {
        if (headerFrom !== undefined) {
          own++
          const { offset } = headerFrom
          expect(raw.subarray(end, offset).equals(padding(end)), `seed ${seed}`).toBe(true)
          expect(raw.subarray(offset, offset + header.length).equals(header), `seed ${seed}`).toBe(true)
        }
        end = headerFrom === undefined ? Number.NaN : headerFrom.offset + header.length
        if (contentFrom === undefined) continue
        expect(names.get(contentFrom.offset), `seed ${seed}`).toBe(path)
        end = contentFrom.offset + contentFrom.size
      }
    }
    expect(own).toBeGreaterThan(500)
  })
})

describe('in a changed tree', () => {
  const ATTRS = { ...FRESH_DIRECTORY, mode: 0o644 }
  const root = rawMember({ name: './', flag: '5', mode: '0000755\0' })
  test('the member behind one that is gone does not stand where the member before it ended', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const tar = readTar(archive(root, ...names.map((name) => rawMember({ name }, name))))
    expect(canonical(without(tar.layer, 'c'), tar)).toEqual(['d'])
  })

  test('a hard link to another name than the archive has gets another header', () => {
    const link = (name: string, target: string) => rawMember({ name, flag: '1', target })
    const tar = readTar(
      archive(root, rawMember({ name: 'b' }, 'B'), link('c', 'b'), link('d', 'b'), rawMember({ name: 'e' }, 'E')),
    )
    const b = tar.layer.children.get('b')!
    expect(canonical(without(tar.layer, 'b'), tar)).toEqual(['c', 'd', 'e'])
    const renamed = directory(new Map([...tar.layer.children, ['a', b]]), tar.layer.attrs)
    expect(canonical(renamed, tar)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  const node = { name: 'x', at: [[329, '0000010\x000000003\0']] } as const
  test.each<[string, Buffer, Partial<Node>]>([
    ['bytes', rawMember({ name: 'x' }, 'X'), { content: bytesContent('Y') }],
    ['bytes, which are none now', rawMember({ name: 'x' }, 'X'), { content: bytesContent('') }],
    ['mode', rawMember({ name: 'x' }, 'X'), { attrs: { ...ATTRS, mode: 0o600 } }],
    ['user', rawMember({ name: 'x' }), { attrs: { ...ATTRS, uid: 1 } }],
    ['group', rawMember({ name: 'x' }), { attrs: { ...ATTRS, gid: 1 } }],
    ['time', rawMember({ name: 'x' }), { attrs: { ...ATTRS, mtime: 1 } }],
    ['xattrs', rawMember({ name: 'x' }), { attrs: { ...ATTRS, xattrs: new Map([['user.a', Buffer.from('')]]) } }],
    ['kind', rawMember({ name: 'x' }), { kind: 'special', type: 'fifo', major: 0, minor: 0 }],
    ['major number', rawMember({ ...node, flag: '3' }), { major: 9 }],
    ['minor number', rawMember({ ...node, flag: '4' }), { minor: 9 }],
    ['target', rawMember({ name: 'x', flag: '2', mode: '0000777\0', target: 'a' }), { target: 'b' }],
  ])('a member with another %s has a canonical header', (_, x, change) => {
    const tar = readTar(archive(root, rawMember({ name: 'a' }, 'A'), x, rawMember({ name: 'z' }, 'Z')))
    expect(canonical(tar.layer, tar)).toEqual([])
    expect(canonical(changed(tar.layer, 'x', change), tar)[0]).toBe('x')
  })

  test('a file of another layer has not the header of a namesake in this one', () => {
    const [one, two] = ['1', '2'].map((text) =>
      readTar(archive(root, rawMember({ name: 'a' }, 'A'), rawMember({ name: 'x' }, text))),
    )
    const both = apply(one!.layer as Tree, directory(new Map([['x', two!.layer.children.get('x')!]])))
    const [, a, x] = layerMembers(both, [one!.file, two!.file])
    expect(a!.headerFrom).toBeDefined()
    expect(x!.headerFrom).toBeUndefined()
    expect(x).toHaveProperty('contentFrom.file', two!.file)
  })

  test('a file that moved, or was copied, has a canonical header and no content of the tar', () => {
    const tar = readTar(archive(root, ...['a', 'b', 'c'].map((name) => rawMember({ name }, name))))
    const b = tar.layer.children.get('b') as File
    const moved = apply(without(tar.layer, 'b'), directory(new Map([['bb', b]])))
    expect(canonical(moved, tar)).toEqual(['bb', 'c'])
    const [, , bb, c] = layerMembers(moved, [tar.file])
    expect(bb!.contentFrom).toBeUndefined()
    expect(c!.contentFrom).toBeDefined()
  })

  test('a file with new attributes has the content of the tar', () => {
    const long = 'n'.repeat(120)
    const tar = readTar(
      archive(
        root,
        rawPax([
          ['path', long],
          ['mtime', '5'],
        ]),
        rawMember({ name: 'n' }, 'N'),
      ),
    )
    const { attrs } = tar.layer.children.get(long) as File
    const edited = changed(tar.layer, long, { attrs: { ...attrs, uid: 1 } })
    expect(canonical(edited, tar)).toEqual([long])
    expect([...layerMembers(edited, [tar.file])][1]).toHaveProperty('contentFrom')
  })
})
