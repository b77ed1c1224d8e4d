/** Needs root. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '../../src/events.ts'
import { EMPTY, type File, type Tree } from '../../src/oci/node.ts'
import { removeTree } from '../../src/oci/remove-tree.ts'
import { Spool } from '../../src/oci/spool.ts'
import { UNDATED } from '../../src/provision/dates.ts'
import { type LaidOut, layOut } from '../../src/provision/lay-out.ts'
import { readBack } from '../../src/provision/read-back.ts'
import { describedTree } from '../support/described-tree.ts'
import { Random, randomTree } from '../support/random-tree.ts'
import { at, Bench, file, folder, layable, NEWEST, smallRoot, symlink } from '../support/small-root.ts'

const signal = new AbortController().signal
const events: Event[] = []
const report = (event: Event) => events.push(event)
const nobody = { folders: new Map(), leaves: new Map(), byIdentity: new Map() }
let bench: Bench
let spool: Spool
let home: string

beforeAll(async () => {
  bench = await Bench.open()
  home = await mkdtemp(join(tmpdir(), 'ocibake-read-back-'))
  spool = await Spool.create(join(home, 'spool'))
})
afterAll(async () => {
  await spool.dispose()
  await bench[Symbol.asyncDispose]()
  await rm(home, { recursive: true })
})

async function withLaidOut<T>(tree: Tree, use: (laid: LaidOut) => Promise<T>): Promise<T> {
  const place = await mkdtemp(join(home, 'root-'))
  try {
    return await use(await layOut(tree, place, { newest: NEWEST, owners: bench.sandbox.owners, report, signal }))
  } finally {
    await removeTree(place)
  }
}

describe('any tree', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6)
  test(`is laid out exactly, and comes back as the same object (seed ${seed})`, async () => {
    const random = new Random(seed)
    for (let i = 0; i < 15; i++) {
      const tree = layable(randomTree(random)) as Tree
      await withLaidOut(tree, async (laid) => {
        expect((await readBack(laid, spool, report, signal)).tree).toBe(tree)
        const { tree: stranger } = await readBack({ ...laid, tree: EMPTY, stamps: nobody }, spool, report, signal)
        expect(await describedTree(stranger)).toEqual(await describedTree(tree))
      })
    }
  })
})

test('a folder that changed in the very second of its old time counts as changed', async () => {
  const srv = folder({ one: file('1') }, { mtime: 1_700_000_000 })
  await withLaidOut(folder({ srv }) as Tree, async (laid) => {
    await writeFile(join(laid.root, 'srv/two'), '2')
    await utimes(join(laid.root, 'srv'), 1_700_000_000.5, 1_700_000_000.5)
    const after = at((await readBack(laid, spool, report, signal)).tree, 'srv') as Tree
    expect(after.attrs).toEqual(srv.attrs)
    expect(after.attrs).not.toBe(srv.attrs)
  })
})

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex')
const linked: File = file('linked')
const tree = smallRoot({
  opt: folder({
    a: linked,
    b: linked,
    c: file('c', { mode: 0o4755, uid: 65100, gid: 1000 }),
    caps: file('x', { xattrs: new Map([['security.capability', CAPABILITY]]) }),
    undated: file('u', { mtime: UNDATED }),
    link: symlink('a'),
    deep: folder({ one: file('1'), two: file('2') }, { uid: 65100, mode: 0o2775 }),
  }),
})
const opt = (root: Tree, name: string) => at(root, `opt/${name}`)
const attrsOf = (root: Tree, name: string) => {
  const node = opt(root, name)
  return node === undefined || !('attrs' in node) ? undefined : node.attrs
}

describe('what a script', () => {
  test('did not touch is the same object, whatever it did elsewhere', async () => {
    const after = await bench.run(tree, 'echo new > /opt/new; cat /opt/* > /dev/null 2>&1 || true')
    expect(after).not.toBe(tree)
    expect(opt(after, 'new')).toMatchObject({ kind: 'file', content: { size: 4 } })
    for (const name of ['a', 'b', 'c', 'caps', 'undated', 'link', 'deep'])
      expect(opt(after, name)).toBe(opt(tree, name))
    for (const name of ['bin', 'etc', 'tmp']) expect(after.children.get(name)).toBe(tree.children.get(name))
  })

  test('did in vain leaves the same tree, even when inodes, owners and times were others in between', async () => {
    const script = [
      'chown 5:5 /opt/c; chown 65100:1000 /opt/c; chmod 4755 /opt/c',
      'mv /opt/a /opt/z; mv /opt/z /opt/a',
      'mv /opt/deep/one /x; cp -p /x /opt/deep/one; rm /x',
      'rm /opt/link; ln -s a /opt/link',
      `for d in /opt /opt/deep /; do touch -h -d @${NEWEST - 2000} $d; done; touch -h -d @${NEWEST - 1000} /opt/link`,
    ]
    expect(await bench.run(tree, script)).toBe(tree)
  })

  test('wrote with the same bytes keeps the old content', async () => {
    const after = await bench.run(tree, 'echo -n c > /opt/c; rm /opt/deep/one; echo -n 1 > /opt/deep/one')
    expect((opt(after, 'c') as File).content).toBe((opt(tree, 'c') as File).content)
    expect((opt(after, 'deep/one') as File).content).toBe((opt(tree, 'deep/one') as File).content)
    expect(opt(after, 'deep/one')).not.toBe(opt(tree, 'deep/one'))
  })

  test('put in the place of the same bytes keeps the old content of that name', async () => {
    const same = smallRoot({ opt: folder({ one: file('same', { mtime: 1 }), two: file('same', { mtime: 2 }) }) })
    const after = await bench.run(same, 'mv /opt/two /opt/one')
    expect((opt(after, 'one') as File).content).toBe((opt(same, 'one') as File).content)
    expect(attrsOf(after, 'one')).toEqual(attrsOf(same, 'two'))
  })

  test('removed is gone', async () => {
    const after = await bench.run(tree, 'rm -r /opt/deep /opt/a /opt/link; mv /opt/c /opt/moved')
    expect([...(at(after, 'opt') as Tree).children.keys()]).toEqual(['b', 'caps', 'moved', 'undated'])
    expect(opt(after, 'b')).toBe(linked)
    expect(opt(after, 'moved')).toBe(opt(tree, 'c'))
  })

  test('replaced by another kind is the other kind', async () => {
    const after = await bench.run(
      tree,
      'rm -r /opt/deep; ln -s x /opt/deep; rm /opt/c; mkdir -m 1700 /opt/c; touch /opt/c/y',
    )
    expect(opt(after, 'deep')).toMatchObject({ kind: 'symlink', target: 'x', attrs: { mode: 0o777 } })
    expect(opt(after, 'c')).toMatchObject({ kind: 'directory', attrs: { mode: 0o1700, uid: 0 } })
    expect(opt(after, 'c/y')).toMatchObject({ kind: 'file', content: { size: 0 } })
  })

  test('renamed brings its untouched children along', async () => {
    const after = await bench.run(tree, 'mv /opt/deep /opt/elsewhere')
    expect(opt(after, 'elsewhere/one')).toBe(opt(tree, 'deep/one'))
    expect(attrsOf(after, 'elsewhere')).toMatchObject({ uid: 65100, mode: 0o2775, mtime: NEWEST - 2000 })
  })

  test('swapped is told apart', async () => {
    const after = await bench.run(tree, 'cd /opt/deep; mv one x; mv two one; mv x two')
    expect(opt(after, 'deep/one')).toBe(opt(tree, 'deep/two'))
    expect(opt(after, 'deep/two')).toBe(opt(tree, 'deep/one'))
  })

  test.each([
    [0o644, 'chmod 644 /opt/c', { mode: 0o644, uid: 65100, gid: 1000, mtime: NEWEST - 1000 }],
    [0o6711, 'chmod 6711 /opt/c', { mode: 0o6711 }],
    [0, 'chmod 0 /opt/c', { mode: 0 }],
    ['owner', 'chown 4294967294:3000000 /opt/c', { uid: 4294967294, gid: 3000000 }],
    ['time', 'touch -d @5000000000 /opt/c', { mtime: 5_000_000_000 }],
    ['old time', 'touch -d "1969-12-31 23:59:58" /opt/c', { mtime: -2 }],
  ])('gave other attributes has them exactly: %s', async (_, script, expected) => {
    expect(attrsOf(await bench.run(tree, script), 'c')).toMatchObject(expected)
  })

  test('did to a symlink itself is seen', async () => {
    const after = await bench.run(tree, 'chown -h 12:13 /opt/link')
    expect(opt(after, 'link')).toMatchObject({ kind: 'symlink', target: 'a', attrs: { uid: 12, gid: 13, mode: 0o777 } })
    expect(opt(after, 'a')).toBe(linked)
  })

  test('changed keeps a time that no disk can hold', async () => {
    const after = await bench.run(tree, 'chmod 600 /opt/undated')
    expect(attrsOf(after, 'undated')).toMatchObject({ mode: 0o600, mtime: UNDATED })
  })

  test('keeps capabilities through chmod, and loses them by chown and by writing, as on any Linux', async () => {
    const kept = await bench.run(tree, 'chmod 700 /opt/caps')
    expect(attrsOf(kept, 'caps')?.xattrs).toEqual(new Map([['security.capability', CAPABILITY]]))
    const lost = await bench.run(tree, 'chown 1:1 /opt/caps')
    expect(attrsOf(lost, 'caps')?.xattrs.size).toBe(0)
    const written = await bench.run(tree, 'echo y >> /opt/caps')
    expect(attrsOf(written, 'caps')?.xattrs.size).toBe(0)
  })

  test('makes as devices, fifos and hard links of them arrives exactly', async () => {
    const after = await bench.run(tree, [
      'mkdir /n; cd /n; mknod c c 1 3; mknod b b 259 1048575; mkfifo -m 622 p; ln p q; chown 1:2 c',
    ])
    expect(at(after, 'n/c')).toMatchObject({ type: 'character', major: 1, minor: 3, attrs: { uid: 1, gid: 2 } })
    expect(at(after, 'n/b')).toMatchObject({ type: 'block', major: 259, minor: 1048575 })
    expect(at(after, 'n/p')).toMatchObject({ type: 'fifo', attrs: { mode: 0o622 } })
    expect(at(after, 'n/q')).toBe(at(after, 'n/p'))
    expect(await bench.run(after, 'test -c /n/c && test -b /n/b && test -p /n/q')).toBe(after)
  })
})

describe('hard links', () => {
  test('made to an old file share its object', async () => {
    const after = await bench.run(tree, 'ln /opt/c /opt/c2')
    expect(opt(after, 'c2')).toBe(opt(tree, 'c'))
    expect(opt(after, 'c')).toBe(opt(tree, 'c'))
  })

  test('stay together when one name is changed', async () => {
    const after = await bench.run(tree, 'chmod 600 /opt/a')
    expect(opt(after, 'a')).toBe(opt(after, 'b'))
    expect(attrsOf(after, 'b')?.mode).toBe(0o600)
  })

  test('that were broken are broken, with the same bytes or not', async () => {
    const after = await bench.run(tree, 'cp -p /opt/a /opt/t; mv /opt/t /opt/a')
    expect(opt(after, 'b')).toBe(linked)
    expect(opt(after, 'a')).not.toBe(opt(after, 'b'))
    expect((opt(after, 'a') as File).content).toBe(linked.content)
  })

  test('that were all replaced are no links of each other', async () => {
    const after = await bench.run(tree, 'cd /opt; for n in a b; do cp -p $n t; mv t $n; done')
    expect(opt(after, 'a')).not.toBe(opt(after, 'b'))
  })

  test('are not invented when a file moves and a copy takes its place', async () => {
    const after = await bench.run(tree, 'cd /opt; mv c d; cp -p d c')
    expect(opt(after, 'd')).toBe(opt(tree, 'c'))
    expect(opt(after, 'c')).not.toBe(opt(after, 'd'))
    expect(opt(after, 'c')).toMatchObject({ attrs: { mode: 0o4755, uid: 65100 } })
  })

  test('of new files are links', async () => {
    const after = await bench.run(tree, 'echo n > /opt/n; ln /opt/n /tmp/n; echo n > /opt/o')
    expect(opt(after, 'n')).toBe(at(after, 'tmp/n'))
    expect(opt(after, 'o')).not.toBe(opt(after, 'n'))
  })
})

test('a socket is left out with a warning', async () => {
  await withLaidOut(folder({ run: folder({}) }) as Tree, async (laid) => {
    const server = createServer().listen(join(laid.root, 'run', 'daemon.sock'))
    await new Promise((resolve) => server.once('listening', resolve))
    const { tree: after } = await readBack(laid, spool, report, signal)
    expect((at(after, 'run') as Tree).children.size).toBe(0)
    expect(events.at(-1)).toMatchObject({ type: 'warning', message: expect.stringContaining('/run/daemon.sock') })
    await new Promise((resolve) => server.close(resolve))
  })
})

test('a change in the tick right after laying out is seen', async () => {
  const small = folder({ x: file('1') }) as Tree
  const { writeFileSync, utimesSync } = await import('node:fs')
  for (let i = 0; i < 20; i++) {
    await withLaidOut(small, async (laid) => {
      writeFileSync(join(laid.root, 'x'), '2')
      utimesSync(join(laid.root, 'x'), NEWEST - 1000, NEWEST - 1000)
      const { tree: after } = await readBack(laid, spool, report, signal)
      expect(Buffer.concat(await Array.fromAsync((at(after, 'x') as File).content.open())).toString()).toBe('2')
    })
  }
})

test('names that are no UTF-8, and names with newlines, come through', async () => {
  const after = await bench.run(tree, 'touch "/tmp/$(printf \'a\\377\\nb\')"; mkdir "$(printf \'/tmp/\\200\')"')
  expect([...(at(after, 'tmp') as Tree).children.keys()]).toEqual(['a\xff\nb', '\x80'])
  expect(await bench.run(after, 'test -d "$(printf "/tmp/\\200")"')).toBe(after)
})

test('a name that no disk can hold is refused by its path', async () => {
  const long = folder({ [`${'n'.repeat(256)}`]: file('') }) as Tree
  await expect(withLaidOut(long, () => Promise.resolve())).rejects.toMatchObject({ code: 'PATH_INVALID' })
})

test.each([
  ['a file', 'srv/.wh.foo', false],
  ['a folder with something in it', 'srv/.wh.foo', true],
])("%s that a layer would read as a deletion is the script's mistake", async (_, path, isFolder) => {
  await withLaidOut(folder({ srv: folder({}) }) as Tree, async (laid) => {
    if (isFolder) await mkdir(join(laid.root, path))
    await writeFile(join(laid.root, isFolder ? `${path}/x` : path), '')
    await expect(readBack(laid, spool, report, signal)).rejects.toMatchObject({
      code: 'PATH_INVALID',
      message: expect.stringMatching(/^The script left \/srv\/\.wh\.foo, /),
      hint: expect.stringContaining('remove it in the same script'),
    })
  })
})
