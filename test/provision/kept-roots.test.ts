/** Needs root, or what the sandbox under test needs; and Debian's busybox-static. */
import { renameSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { EMPTY, type Leaf, type Tree } from '../../src/oci/node.ts'
import { removeTree } from '../../src/oci/remove-tree.ts'
import { Spool } from '../../src/oci/spool.ts'
import { nodeAt, placeAt } from '../../src/oci/tree-paths.ts'
import { chmod } from '../../src/provision/chmod.ts'
import { UNDATED } from '../../src/provision/dates.ts'
import { without } from '../../src/provision/edit.ts'
import { type LaidOut, layOut } from '../../src/provision/lay-out.ts'
import { own } from '../../src/provision/own.ts'
import { readBack } from '../../src/provision/read-back.ts'
import { eachEntry } from '../../src/provision/root-entries.ts'
import { RootKeeper } from '../../src/provision/root-keeper.ts'
import { run } from '../../src/provision/run.ts'
import { describedTree } from '../support/described-tree.ts'
import { Random, randomTree } from '../support/random-tree.ts'
import { Bench, file, folder, layable, NEWEST, smallRoot, symlink } from '../support/small-root.ts'

const signal = new AbortController().signal
const report = () => {}
let bench: Bench
let spool: Spool

beforeAll(async () => {
  bench = await Bench.open()
  spool = await Spool.create(join(bench.home, 'spool'))
})
afterAll(async () => {
  await spool.dispose()
  await bench[Symbol.asyncDispose]()
})

/** All that a script could see of a root, but what is new in every root: inode numbers and times of birth and change. */
async function seen(laid: LaidOut): Promise<unknown> {
  const entries: unknown[] = []
  await eachEntry(
    laid.root,
    { open: false },
    ({ path, mode, uid, gid, size, modified, accessed, major, minor, identity }) => {
      const record = laid.records.get(identity)
      const length = (mode & 0o40000) === 0 ? size : 0
      entries.push({ path, mode, uid, gid, length, modified, accessed, major, minor, record })
    },
    signal,
  )
  const stamps = { folders: new Map(), leaves: new Map(), byIdentity: new Map() }
  const { tree } = await readBack({ ...laid, tree: EMPTY, stamps }, spool, report, signal)
  return [entries, await describedTree(tree)]
}

async function expectAsFresh(laid: LaidOut, newest: number): Promise<void> {
  const place = await mkdtemp(join(bench.home, 'fresh-'))
  try {
    const fresh = await layOut(laid.tree, place, { newest, owners: bench.sandbox.owners, report, signal })
    expect(await seen(laid)).toEqual(await seen(fresh))
  } finally {
    await removeTree(place)
  }
}

describe('a root that is kept is what a new one would be', () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6)
  test(`for any tree after any other (seed ${seed})`, async () => {
    const random = new Random(seed)
    for (let i = 0; i < 15; i++) {
      await using roots = new RootKeeper(bench.store)
      const options = { newest: NEWEST, owners: bench.sandbox.owners, report, signal }
      const first = layable(randomTree(random)) as Tree
      const laid = await roots.layOut(first, options)
      roots.keep(laid, await readBack(laid, spool, report, signal))
      const other = layable(randomTree(random)) as Tree
      const second = apply(first, { ...other, attrs: random.chance(2) ? null : other.attrs })
      const changed = await roots.layOut(second, options)
      await expectAsFresh(changed, NEWEST)
    }
  })

  const group: Leaf = file('group')
  const tree = smallRoot({
    opt: folder({
      a: group,
      b: group,
      c: file('c', { mode: 0o4755, uid: 65100, gid: 1000 }),
      note: file('n', { xattrs: new Map([['user.note', Buffer.from('hello')]]), uid: 7 }),
      undated: file('u', { mtime: UNDATED }),
      link: symlink('a'),
      deep: folder({ one: file('1'), two: file('2') }, { uid: 65100, mode: 0o2775 }),
    }),
  })

  /** What happens between the two scripts. */
  type Edit = (tree: Tree) => Tree | Promise<Tree>
  const edits: Record<string, Edit> = {
    nothing: (tree) => tree,
    'a chown': (tree) => own(tree, { own: '/opt', by: '12:13' }, bench.tools()),
    'a chmod': (tree) => chmod(tree, { chmod: ['/opt/*', '/etc'], mode: '0701' }, bench.tools()),
    'a removal': (tree) => without(without(tree, 'opt/deep'), 'opt/a'),
    'files that take the place of others': (tree) =>
      apply(tree, {
        ...folder({
          opt: { ...folder({ deep: file('now a file'), c: folder({ d: file('d') }), a: file('alone') }), attrs: null },
        }),
        attrs: null,
      }),
    'a new name of a file': (tree) => apply(tree, placeAt('etc/passwd-', nodeAt(tree, 'etc/passwd')!)),
    'two files that change places': (tree) => {
      const [one, two] = [nodeAt(tree, 'opt/undated')!, nodeAt(tree, 'opt/a')!]
      return apply(apply(tree, placeAt('opt/a', one)), placeAt('opt/undated', two))
    },
  }
  const scripts: Record<string, string> = {
    nothing: 'true',
    'reads files': 'cat /opt/* /opt/deep/* > /dev/null 2>&1 || true; ls -R /opt /etc > /dev/null; readlink /opt/link',
    'makes files': 'cd /opt; echo x > x; mkdir -p m/n; echo y > m/n/y; ln -s x y; ln x z; mkfifo p; mknod c1 c 1 3',
    'replaces files in place': 'cd /opt; echo longer > a; echo d > deep/one; cp deep/two t; mv t deep/two',
    'changes no more than times': 'cd /opt; touch c; touch -d "2001-01-01 00:00:00" a; mv b t; mv t b',
    'moves folders': 'cd /opt; mv deep elsewhere; mkdir deep; mv elsewhere/one deep/one; mv /etc/group /opt/group',
    'makes and breaks hard links':
      'cd /opt; ln c c2; ln c2 deep/c3; rm c; cp -p a t; mv t a; ln b deep/b; ln link link2',
    'hides things':
      'cd /opt; chmod 0 deep c link; mkdir -m 0 dark; echo x > dark/x; chmod 0444 a; chmod 111 /etc; umask 777; echo z > z',
    'gives files away':
      'cd /opt; chown -R 5:6 .; chown -h 8:9 link; chmod 6755 c; chmod 2775 deep; touch deep/inherits',
    'leaves a folder that gives access lists': 'mkdir /opt/s; chmod 3777 /opt/s; mkdir /opt/s/t; chmod 4711 /opt/note',
  }
  // Not all with all of them: each script with nothing behind it, and with one edit, so that each edit has its turn.
  const between = Object.keys(edits)
  const pairs = Object.keys(scripts).flatMap((script, i) => [
    [script, 'nothing'],
    [script, between[1 + (i % (between.length - 1))]!],
  ])
  test.each(pairs)('when the script before %s, and then comes %s', async (script, edit) => {
    await using roots = new RootKeeper(bench.store)
    const after = await edits[edit]!(await run(tree, { run: scripts[script]! }, { ...bench.tools(), roots }))
    const options = { newest: NEWEST + 60, owners: bench.sandbox.owners, report, signal }
    await expectAsFresh(await roots.layOut(after, options), options.newest)
  })
})

describe('the root', () => {
  const tree = smallRoot({ opt: folder({ a: file('a') }) })
  const options = () => ({ newest: NEWEST, owners: bench.sandbox.owners, report, signal })

  test('is the same folder from script to script', async () => {
    await using roots = new RootKeeper(bench.store)
    const tools = { ...bench.tools(), roots }
    const first = await run(tree, { run: 'echo x > /opt/x; stat -c %i / > /opt/i; cat /opt/i' }, tools)
    const second = await run(
      without(first, 'opt/x'),
      { run: '! cat /opt/x; test $(stat -c %i /) = $(cat /opt/i)' },
      tools,
    )
    expect(second).toEqual(without(first, 'opt/x'))
  })

  test.each([
    ['failed', 'echo x > /opt/x; exit 1', 'RUN_FAILED'],
    ['ran out of time', 'echo x > /opt/x; sleep 60', 'RUN_TIMEOUT'],
  ])('is laid out anew after a script that %s', async (_, script, code) => {
    await using roots = new RootKeeper(bench.store)
    const tools = { ...bench.tools(), roots }
    const first = await run(tree, { run: 'echo first > /opt/first' }, tools)
    await expect(run(first, { run: script, timeout: '1s' }, tools)).rejects.toMatchObject({ code })
    await expectAsFresh(await roots.layOut(first, options()), NEWEST)
  })

  test('is laid out anew after a script that was stopped', async () => {
    await using roots = new RootKeeper(bench.store)
    const first = await run(tree, { run: 'echo first > /opt/first' }, { ...bench.tools(), roots })
    const stop = new AbortController()
    const onLine = () => stop.abort()
    const stopped = run(
      first,
      { run: 'echo x > /opt/first; echo now; sleep 60' },
      { ...bench.tools({}, stop.signal), roots, report: (event) => event.type === 'output' && onLine() },
    )
    await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' })
    await expectAsFresh(await roots.layOut(first, options()), NEWEST)
  })

  test('is laid out anew when somebody else was at it', async () => {
    await using roots = new RootKeeper(bench.store)
    const laid = await roots.layOut(tree, options())
    roots.keep(laid, await readBack(laid, spool, report, signal))
    await rm(join(laid.root, 'opt'), { recursive: true })
    const again = await roots.layOut(apply(tree, placeAt('opt/b', file('b'))), options())
    await expectAsFresh(again, NEWEST)
  })

  test('is gone when the keeper is', async () => {
    const roots = new RootKeeper(bench.store)
    const laid = await roots.layOut(tree, options())
    await roots[Symbol.asyncDispose]()
    expect(() => statSync(laid.root)).toThrow('ENOENT')
  })

  test('that a socket lies in is laid out anew, without it', async () => {
    await using roots = new RootKeeper(bench.store)
    const laid = await roots.layOut(tree, options())
    // Not where it will lie: a socket's address has room for 107 bytes.
    const server = createServer().listen(join(bench.home, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    renameSync(join(bench.home, 'socket'), join(laid.root, 'opt/daemon.sock'))
    const read = await readBack(laid, spool, report, signal)
    await new Promise((resolve) => server.close(resolve))
    roots.keep(laid, read)
    await expectAsFresh(await roots.layOut(read.tree, options()), NEWEST)
  })
})
