import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bytesContent, readAll } from '../../src/oci/content.ts'
import { diff, isEmptyLayer } from '../../src/oci/diff.ts'
import type { Attrs, File, Node, Tree } from '../../src/oci/node.ts'
import { directory, FRESH_DIRECTORY, NO_XATTRS } from '../../src/oci/node.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { walk } from '../../src/oci/walk.ts'
import { UNDATED } from '../../src/provision/dates.ts'
import { normalise } from '../../src/provision/normalisers.ts'
import { testFolder } from '../support/folder.ts'

const CREATED = 1_700_000_000
const LATER = CREATED + 500_000
const TODAY = Math.floor(CREATED / 86_400)

const attrs = (mtime: number): Attrs => ({ mode: 0o644, uid: 0, gid: 0, mtime, xattrs: NO_XATTRS })
const file = (bytes: string | Uint8Array, mtime = LATER): File => ({
  kind: 'file',
  attrs: attrs(mtime),
  content: bytesContent(bytes),
})
const made = (children: Record<string, Node>, mtime = 0): Tree =>
  directory(new Map(Object.entries(children)), { ...FRESH_DIRECTORY, mtime }) as Tree
const nested = (path: string, node: Node): Tree =>
  path.split('/').reduceRight<Node>((inner, name) => made({ [name]: inner }), node) as Tree
const textAt = async (tree: Tree, path: string) =>
  (await readAll((nodeAt(tree, path) as File).content, 1e6)).toString('latin1')
/** Heads that are enough to be taken for a Berkeley DB file, and for bytecode of a source that is newer than the image. */
const BTREE = Buffer.alloc(512)
BTREE.writeUInt32LE(0x053162, 12)
BTREE.fill('drawn at random', 52, 72)
const PYC = Buffer.alloc(20, 'x')
PYC.writeUInt32LE(0, 4)
PYC.writeUInt32LE(LATER, 8)

const context = (base: Tree) => ({ base, created: CREATED })

describe('normalise', () => {
  it('lets nothing that the steps made be newer than the image', async () => {
    const base = made({ old: file('', LATER), dir: made({}, LATER) })
    const after = made({
      ...Object.fromEntries(base.children),
      new: file(''),
      undated: file('', UNDATED),
      early: file('', 5),
    })
    const done = await normalise(after, context(base))
    const times = Object.fromEntries(
      [...walk(done)].map(([path, node]) => [path, 'attrs' in node && node.attrs?.mtime]),
    )
    expect(times).toEqual({ old: LATER, dir: LATER, new: CREATED, undated: CREATED, early: 5 })
  })

  it('leaves what the base has alone, to the object', async () => {
    const base = nested('var/log/dpkg.log', file('from the base', LATER))
    expect(await normalise(base, context(base))).toBe(base)
    expect(isEmptyLayer(diff(base, await normalise(base, context(base))))).toBe(true)
  })

  it('keeps a new hard link to a file of the base one file', async () => {
    const old = file('', LATER)
    const base = made({ old, database: file(BTREE, LATER), 'a.pyc': file(PYC, LATER) })
    const linked = Object.fromEntries([...base.children].map(([name, node]) => [`0-${name}`, node]))
    const done = await normalise(made({ ...linked, ...Object.fromEntries(base.children) }), context(base))
    for (const [name, node] of base.children) {
      expect(nodeAt(done, name)).toBe(node)
      expect(nodeAt(done, `0-${name}`)).toBe(node)
    }
  })

  it('keeps a new file with two names one file', async () => {
    for (const one of [file('', LATER), file(BTREE), file(PYC)]) {
      const done = await normalise(made({ 'a.pyc': one, 'b.pyc': one, c: one }), context(made({})))
      expect(nodeAt(done, 'a.pyc')).not.toBe(one)
      expect(nodeAt(done, 'b.pyc')).toBe(nodeAt(done, 'a.pyc'))
      expect(nodeAt(done, 'c')).toBe(nodeAt(done, 'a.pyc'))
    }
  })

  it.each([
    'var/log/dpkg.log',
    'var/log/alternatives.log',
    'var/log/apt/history.log',
    'var/cache/apt/pkgcache.bin',
    'var/cache/ldconfig/aux-cache',
    'etc/machine-id',
    'var/cache/debconf/config.dat-old',
    'var/cache/man/de/index.db',
  ])('has /%s as the base has it', async (path) => {
    const added = await normalise(nested(path, file('made by a script')), context(made({})))
    expect(nodeAt(added, path)).toBeUndefined()
    const base = nested(path, file('base', 1))
    const changed = await normalise(nested(path, file('base and a script')), context(base))
    expect(await textAt(changed, path)).toBe('base')
    const removed = made({})
    expect(await normalise(removed, context(base))).toBe(removed)
  })

  it('gives new lines of /etc/shadow the day of the image', async () => {
    const text = `root:*:19000:0:99999:7:::\ncore:!:${TODAY + 3}:0:99999:7:::\nnever:!::0:::::\nodd\n`
    const done = await normalise(nested('etc/shadow', file(text)), context(made({})))
    expect(await textAt(done, 'etc/shadow')).toBe(
      `root:*:19000:0:99999:7:::\ncore:!:${TODAY}:0:99999:7:::\nnever:!::0:::::\nodd\n`,
    )
  })

  describe('of Python bytecode', () => {
    const bytecode = (flags: number, time: number) => {
      const bytes = Buffer.from(PYC)
      bytes.writeUInt32LE(flags, 4)
      bytes.writeUInt32LE(time, 8)
      return bytes
    }
    const timeIn = async (bytes: Buffer, path = 'usr/lib/a.pyc') => {
      const done = await normalise(nested(path, file(bytes)), context(made({})))
      return (await readAll((nodeAt(done, path) as File).content, 100)).readUInt32LE(8)
    }

    it('clamps the time of the source as the source itself is clamped', async () => {
      expect(await timeIn(bytecode(0, LATER))).toBe(CREATED)
    })

    it.each([
      ['an older source', bytecode(0, 5), 5],
      ['a hash instead of a time', bytecode(1, LATER), LATER],
    ])('leaves %s', async (_, bytes, want) => {
      expect(await timeIn(bytes)).toBe(want)
    })

    it('leaves files that only look like it', async () => {
      expect(await timeIn(bytecode(0, LATER), 'usr/lib/a.pyx')).toBe(LATER)
      const short = await normalise(nested('a.pyc', file('short')), context(made({})))
      expect(await textAt(short, 'a.pyc')).toBe('short')
    })
  })

  describe('of Berkeley DB files', () => {
    const database = async (type: string) => {
      const path = join(await testFolder(), 'db')
      execFileSync('db_load', ['-T', '-t', type, path], { input: 'key\nvalue\n' })
      return readFileSync(path)
    }
    const settled = async (path: string, bytes: Buffer) =>
      Buffer.from(await textAt(await normalise(nested(path, file(bytes)), context(made({}))), path), 'latin1')

    it.each(['btree', 'hash'])('settles the random id of a %s', async (type) => {
      const [one, other] = [await database(type), await database(type)]
      expect(one.equals(other)).toBe(false)
      const done = await settled('etc/sasldb2', one)
      expect(done.equals(await settled('etc/sasldb2', other))).toBe(true)
      expect(done.equals(await settled('etc/another', one))).toBe(false)
      const path = join(await testFolder(), 'db')
      writeFileSync(path, done)
      execFileSync('db_verify', [path])
      expect(execFileSync('db_dump', ['-p', path], { encoding: 'latin1' })).toContain(' key\n value\n')
    })

    it('leaves files that only have its size', async () => {
      expect((await settled('a', Buffer.alloc(4096, 'x'))).equals(Buffer.alloc(4096, 'x'))).toBe(true)
    })
  })

  it('does what a spec does not turn off', async () => {
    const after = made({ etc: made({ 'machine-id': file('x'), shadow: file(`a:!:${TODAY + 9}:`) }) })
    const done = await normalise(after, context(made({})), { 'machine-id': false, times: false })
    expect(await textAt(done, 'etc/machine-id')).toBe('x')
    expect(await textAt(done, 'etc/shadow')).toBe(`a:!:${TODAY}:`)
    expect((nodeAt(done, 'etc/machine-id') as File).attrs.mtime).toBe(LATER)
  })
})
