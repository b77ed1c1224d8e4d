import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Event, silent } from '../../src/events.ts'
import { bytesContent, readAll } from '../../src/oci/content.ts'
import type { Attrs, File, Node, Special, Symlink, Tree } from '../../src/oci/node.ts'
import { directory, FRESH_DIRECTORY, NO_XATTRS } from '../../src/oci/node.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { walk } from '../../src/oci/walk.ts'
import { UNDATED } from '../../src/provision/dates.ts'
import { perform } from '../../src/provision/perform.ts'
import type { Step, Tools } from '../../src/provision/step.ts'

const PLAIN: Attrs = { mode: 0o644, uid: 0, gid: 0, mtime: 1, xattrs: NO_XATTRS }
const file = (text: string, attrs: Partial<Attrs> = {}): File => ({
  kind: 'file',
  attrs: { ...PLAIN, ...attrs },
  content: bytesContent(text),
})
const symlink = (target: string): Symlink => ({ kind: 'symlink', attrs: { ...PLAIN, mode: 0o777 }, target })
const made = (children: Record<string, Node>): Tree =>
  directory(new Map(Object.entries(children)), FRESH_DIRECTORY) as Tree
const shown = (tree: Tree) =>
  [...walk(tree)].map(([path, node]) => {
    if (!('attrs' in node) || node.attrs === null) return `${path} ${node.kind}`
    return `${path} ${node.kind} ${node.attrs.mode.toString(8)} ${node.attrs.uid}:${node.attrs.gid}`
  })

const ACCOUNTS = made({
  passwd: file('root:x:0:0::/root:/bin/sh\ncore:x:65100:65101::/opt:/bin/sh\n'),
  group: file('root:x:0:\ncore:x:65101:\nmail:x:8:\n'),
})

/** None of these steps needs a store or a sandbox, so there is none to lend. */
function tools(events: Event[] = []): Tools {
  const build = { ownOutputs: new Set<string>() }
  return {
    report: (event: Event) => void events.push(event),
    signal: AbortSignal.timeout(60_000),
    build,
  } as unknown as Tools
}
const performed = (tree: Tree, step: Step, lent = tools()) => perform(tree, step, lent)
const textAt = async (tree: Tree, path: string) =>
  (await readAll((nodeAt(tree, path) as File).content, 1000)).toString()

describe('write', () => {
  it('makes the file and its folders, owned by root, with no time of its own', async () => {
    const tree = await performed(made({}), { write: '/etc/app/a.conf', text: 'x' })
    expect(shown(tree)).toEqual(['etc directory 755 0:0', 'etc/app directory 755 0:0', 'etc/app/a.conf file 644 0:0'])
    expect((nodeAt(tree, 'etc/app/a.conf') as File).attrs.mtime).toBe(UNDATED)
    expect(await textAt(tree, 'etc/app/a.conf')).toBe('x')
  })

  it('replaces what is there, with the mode and the owner that it was given', async () => {
    const tree = await performed(made({ etc: ACCOUNTS }), {
      write: '/etc/group',
      text: '',
      mode: '0600',
      owner: 'core:mail',
    })
    expect(shown(tree)).toContain('etc/group file 600 65100:8')
  })

  it('refuses to replace a folder', async () => {
    await expect(performed(made({ etc: ACCOUNTS }), { write: '/etc', text: '' })).rejects.toThrow('/etc is a folder')
  })
})

describe('remove', () => {
  const tree = made({
    var: made({
      lists: made({ a: file(''), '.lock': file(''), partial: made({ x: file('') }) }),
      log: made({ 'a.log': file(''), 'b.txt': file('') }),
    }),
    lib: symlink('var'),
  })

  it.each([
    ['everything in a folder, dot files too', '/var/lists/*', ['var/lists']],
    ['by a pattern within a name', '/var/log/*.log', ['var/lists', 'var/log/b.txt']],
    ['at any depth', '/var/**/x', ['var/lists/partial', 'var/log/a.log']],
    ['a whole folder', '/var', ['lib']],
    ['behind a symlink', '/lib/log', ['lib', 'var/lists']],
    ['the symlink itself, not what it leads to', '/lib', ['var', 'var/log/a.log']],
    ['alternatives', '/var/{log,lists}', ['lib', 'var']],
  ])('removes %s', async (_, remove, kept) => {
    const left = await performed(tree, { remove })
    const paths = [...walk(left)].map(([path]) => path)
    for (const path of kept) expect(paths).toContain(path)
    expect(paths.length).toBeLessThan([...walk(tree)].length)
  })

  it.each([
    ['/d/[!k]*', ['keep.log']],
    ['/d/[^k]*', ['keep.log']],
    ['/d/lib(1)*', ['a.log', 'keep.log', 'lib1.so', 'new\nline']],
    ['/d/new*', ['a.log', 'keep.log', 'lib(1).so', 'lib1.so']],
    ['/d/{a,keep}.log', ['lib(1).so', 'lib1.so', 'new\nline']],
    ['/d/\\*', ['a.log', 'keep.log', 'lib(1).so', 'lib1.so', 'new\nline']],
  ])('reads %j as a shell would', async (remove, kept) => {
    const names = ['a.log', 'keep.log', 'lib1.so', 'lib(1).so', 'new\nline']
    const folder = made({ d: made(Object.fromEntries(names.map((name) => [name, file('')]))) })
    const left = nodeAt(await performed(folder, { remove }), 'd')
    expect(left?.kind === 'directory' && [...left.children.keys()].sort()).toEqual([...kept].sort())
  })

  it('takes nothing matched for done, and says so', async () => {
    const events: Event[] = []
    expect(await performed(tree, { remove: ['/nowhere/*', '/var/log/*.gz'] }, tools(events))).toBe(tree)
    expect(events.map((event) => event.type === 'note' && event.message)).toEqual([
      'nothing to remove at /nowhere/*',
      'nothing to remove at /var/log/*.gz',
    ])
  })

  it.each(['/', '/.', 'var', '/var/../etc'])('refuses %s', async (remove) => {
    await expect(performed(tree, { remove })).rejects.toThrow(/is no path in the image/)
  })
})

describe('own', () => {
  const shared = file('perl', { mode: 0o4755 })
  const tree = made({
    etc: ACCOUNTS,
    opt: made({ a: shared, link: symlink('/etc/passwd'), d: made({ b: file('') }) }),
    usr: made({ perl: shared }),
  })

  it('changes everything below, symlinks themselves, and keeps set-id bits', async () => {
    expect(shown(await performed(tree, { own: '/opt', by: 'core:mail' }))).toEqual([
      'etc directory 755 0:0',
      'etc/group file 644 0:0',
      'etc/passwd file 644 0:0',
      'opt directory 755 65100:8',
      'opt/a file 4755 65100:8',
      'opt/d directory 755 65100:8',
      'opt/d/b file 644 65100:8',
      'opt/link symlink 777 65100:8',
      'usr directory 755 0:0',
      'usr/perl file 4755 65100:8',
    ])
  })

  it('keeps hard links together, also outside of what was named', async () => {
    const owned = await performed(tree, { own: '/opt', by: '7:8' })
    expect(nodeAt(owned, 'usr/perl')).toBe(nodeAt(owned, 'opt/a'))
  })

  it.each([
    ['core', false, 'opt directory 755 65100:0', 'opt/d directory 755 0:0'],
    [':mail', false, 'opt directory 755 0:8', 'opt/d directory 755 0:0'],
    ['9:9', true, 'opt directory 755 9:9', 'opt/d/b file 644 9:9'],
  ])('takes %s, recursive: %s', async (by, recursive, ...want) => {
    const lines = shown(await performed(tree, { own: ['/opt'], by, recursive }))
    for (const line of want) expect(lines).toContain(line)
  })

  it('changes nothing, not even an object, when the owner is that already', async () => {
    expect(await performed(tree, { own: '/opt', by: '0:0' })).toBe(tree)
  })

  it('says which names there are when one is not', async () => {
    await expect(performed(tree, { own: '/opt', by: 'nobody' })).rejects.toThrow(/no user 'nobody'.*root, core/s)
  })

  it('needs something to work on', async () => {
    await expect(performed(tree, { own: '/srv/*', by: '0' })).rejects.toThrow("Nothing in the image matches '/srv/*'")
  })
})

describe('chmod', () => {
  const tree = made({ opt: made({ a: file(''), x: file('', { mode: 0o744 }), link: symlink('a') }) })

  it('changes the named path alone unless it is told to descend', async () => {
    expect(shown(await performed(tree, { chmod: '/opt', mode: 'g+rwX' }))).toEqual([
      'opt directory 775 0:0',
      'opt/a file 644 0:0',
      'opt/link symlink 777 0:0',
      'opt/x file 744 0:0',
    ])
    expect(shown(await performed(tree, { chmod: '/opt', mode: 'g+rwX', recursive: true }))).toEqual([
      'opt directory 775 0:0',
      'opt/a file 664 0:0',
      'opt/link symlink 777 0:0',
      'opt/x file 774 0:0',
    ])
  })

  it('does not follow a symlink to change what is behind it', async () => {
    expect(await performed(tree, { chmod: '/opt/link', mode: '0600' })).toBe(tree)
  })
})

describe('link', () => {
  const tree = made({ bin: made({ vim: file('vim') }), etc: made({}) })

  it('makes symbolic links that say what was written', async () => {
    const linked = await performed(tree, { link: '/bin/vi', target: '../bin/vim' })
    expect((nodeAt(linked, 'bin/vi') as Symlink).target).toBe('../bin/vim')
  })

  it('makes hard links: one file, two names', async () => {
    const linked = await performed(tree, { link: '/usr/bin/vi', target: '/bin/vim', hard: true })
    expect(nodeAt(linked, 'usr/bin/vi')).toBe(nodeAt(linked, 'bin/vim'))
  })

  it.each([
    [{ link: '/bin/x', target: '/bin/no', hard: true }, '/bin/no does not exist'],
    [{ link: '/bin/x', target: '/etc', hard: true }, '/etc is a folder'],
    [{ link: '/etc', target: 'bin' }, '/etc is a folder'],
  ])('refuses %j', async (step, message) => {
    await expect(performed(tree, step)).rejects.toThrow(message)
  })
})

describe('copy', () => {
  let folder: string
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
    chmodSync(join(folder, path), mode)
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocibake-copy-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('lays the contents of a folder over the image, with or without a trailing slash', async () => {
    put('etc/app.conf', 'x')
    put('run.sh', '#!', 0o700)
    symlinkSync('run.sh', join(folder, 'start'))
    const want = ['etc directory 755 0:0', 'etc/app.conf file 644 0:0', 'run.sh file 755 0:0', 'start symlink 777 0:0']
    for (const slash of ['', '/'])
      expect(shown(await performed(made({}), { copy: folder + slash, to: '/' }))).toEqual(want)
  })

  it('gives the same tree whatever umask, times and owner the checkout had', async () => {
    put('a/b', 'x', 0o644)
    chmodSync(join(folder, 'a'), 0o755)
    const before = shown(await performed(made({}), { copy: folder, to: '/srv' }))
    chmodSync(join(folder, 'a'), 0o700)
    chmodSync(join(folder, 'a/b'), 0o660)
    utimesSync(join(folder, 'a/b'), 1, 1)
    const tree = await performed(made({}), { copy: folder, to: '/srv' })
    expect(shown(tree)).toEqual(before)
    expect((nodeAt(tree, 'srv/a/b') as File).attrs.mtime).toBe(UNDATED)
  })

  it('keeps the attributes of folders that the image has, behind symlinks too', async () => {
    put('lib/x', 'x')
    const base = made({
      lib: symlink('usr/lib'),
      usr: made({ lib: directory(new Map(), { ...FRESH_DIRECTORY, mode: 0o2775, gid: 8 }) }),
    })
    expect(shown(await performed(base, { copy: folder, to: '/', owner: '5:5' }))).toEqual([
      'lib symlink 777 0:0',
      'usr directory 755 0:0',
      'usr/lib directory 2775 0:8',
      'usr/lib/x file 644 5:5',
    ])
  })

  it('leaves out what `exclude` and .ocibakeignore say', async () => {
    put('.ocibakeignore', '*.log\n# a comment\n/build/\n!keep.log\n')
    for (const path of ['a.log', 'keep.log', 'build/x', 'src/build/x', 'src/a.ts', 'src/a.test.ts']) put(path, '')
    const tree = await performed(made({}), { copy: folder, to: '/', exclude: ['*.test.ts'] })
    expect([...walk(tree)].map(([path]) => path)).toEqual(['keep.log', 'src', 'src/a.ts', 'src/build', 'src/build/x'])
  })

  it('takes mode and owner for all files, or keeps modes exactly', async () => {
    put('d/a', '', 0o4711)
    chmodSync(join(folder, 'd'), 0o1777)
    const base = made({ etc: ACCOUNTS })
    const given = shown(await performed(base, { copy: folder, to: '/', mode: '0640', owner: 'core:core' }))
    expect(given).toContain('d/a file 640 65100:65101')
    expect(given).toContain('d directory 755 65100:65101')
    const kept = shown(await performed(base, { copy: folder, to: '/', mode: 'keep' }))
    expect(kept).toContain('d directory 1777 0:0')
    expect(kept).toContain('d/a file 4711 0:0')
  })

  it.each([
    ['/bin/app', 'bin/app'],
    ['/bin/', 'bin/one'],
    ['/etc', 'etc/one'],
    ['/', 'one'],
  ])('copies one file to %s as %s', async (to, want) => {
    put('one', 'x')
    const tree = await performed(made({ etc: ACCOUNTS }), { copy: join(folder, 'one'), to })
    expect(await textAt(tree, want)).toBe('x')
  })

  it('leaves a socket out and says so, and refuses a fifo without waiting for it', async () => {
    const server = createServer().listen(join(folder, 'app.sock'))
    await once(server, 'listening')
    const events: Event[] = []
    const tree = await performed(made({}), { copy: folder, to: '/' }, tools(events))
    server.close()
    expect(nodeAt(tree, 'app.sock')).toBeUndefined()
    expect(events).toEqual([
      { type: 'warning', message: expect.stringMatching(/app\.sock is a socket and was left out\.$/) },
    ])
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(performed(made({}), { copy: folder, to: '/' })).rejects.toMatchObject({
      code: 'PATH_INVALID',
      message: expect.stringMatching(/pipe is a device or a fifo and cannot be copied\.$/),
    })
  })

  it('keeps names byte for byte', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff, 0x0a])]), '')
    expect([...walk(await performed(made({}), { copy: folder, to: '/' }))].map(([path]) => path)).toEqual(['f\xff\n'])
  })

  it('leaves out what the build itself writes, and the folder that holds nothing else', async () => {
    for (const path of ['a', 'out/app/index.json', 'dist/keep', 'dist/image.tar']) put(path, '')
    const lent = {
      ...tools(),
      build: { ownOutputs: new Set([join(folder, 'out/app'), join(folder, 'dist/image.tar')]) },
    }
    const tree = await perform(made({}), { copy: folder, to: '/' }, lent as unknown as Tools)
    expect([...walk(tree)].map(([path]) => path)).toEqual(['a', 'dist', 'dist/keep'])
  })

  it('names a path that cannot be read, and the step is the one that fails', async () => {
    symlinkSync('loop', join(folder, 'loop'))
    const looping = performed(made({}), { copy: join(folder, 'loop'), to: '/' })
    await expect(looping).rejects.toMatchObject({ code: 'PATH_INVALID', message: expect.stringContaining('ELOOP') })
    const long = performed(made({}), { copy: join(folder, 'x'.repeat(300)), to: '/' })
    await expect(long).rejects.toMatchObject({ code: 'PATH_INVALID', message: expect.stringContaining('ENAMETOOLONG') })
  })

  it('refuses a place whose name Linux cannot hold', async () => {
    const to = `/${'x'.repeat(256)}`
    await expect(performed(made({}), { write: to, text: '' })).rejects.toThrow('Linux has no names that long')
  })

  it('says what is missing', async () => {
    const missing = join(folder, 'no')
    await expect(performed(made({}), { copy: missing, to: '/' })).rejects.toMatchObject({ code: 'COPY_NOT_FOUND' })
  })

  it('refuses a name that means "deleted" in a layer', async () => {
    put('.wh.passwd', '')
    await expect(performed(made({}), { copy: folder, to: '/etc' })).rejects.toThrow(/means "deleted" in a layer/)
  })

  it.each<[string, Step]>([
    ['write', { write: '/etc/.wh.passwd', text: '' }],
    ['a folder of write', { write: '/.wh.etc/passwd', text: '' }],
    ['link', { link: '/etc/.wh..wh..opq', target: '/x' }],
    ['copy', { copy: '', to: '/srv/.wh.x' }],
  ])('refuses a place whose name means "deleted" in a layer: %s', async (_, step) => {
    put('a', '')
    const named = 'copy' in step ? { ...step, copy: folder } : step
    await expect(performed(made({ etc: made({}) }), named)).rejects.toMatchObject({
      code: 'PATH_INVALID',
      message: expect.stringMatching(/^No image can have \/.*\.wh\./),
    })
  })

  it('refuses a file alone whose name means "deleted" in a layer', async () => {
    put('.wh.passwd', '')
    const step = { copy: join(folder, '.wh.passwd'), to: '/etc/' }
    await expect(performed(made({ etc: made({}) }), step)).rejects.toThrow('/etc/.wh.passwd')
  })

  it('notices that a file changed between planning and reading', async () => {
    put('a', 'before')
    const tree = await performed(made({}), { copy: folder, to: '/' })
    put('a', 'after it')
    await expect(textAt(tree, 'a')).rejects.toMatchObject({ code: 'FILE_CHANGED' })
  })

  it('refuses to put a folder where the image has a file', async () => {
    put('etc/passwd/x', '')
    await expect(performed(made({ etc: ACCOUNTS }), { copy: folder, to: '/' })).rejects.toThrow(
      '/etc/passwd is no directory',
    )
  })
})

describe('a device in the image', () => {
  it('is owned and chmodded like a file', async () => {
    const device: Special = { kind: 'special', attrs: PLAIN, type: 'character', major: 1, minor: 3 }
    const tree = await performed(made({ dev: made({ null: device }) }), { chmod: '/dev/null', mode: '0666' })
    expect(shown(await perform(tree, { own: '/dev/null', by: '3:4' }, { ...tools(), report: silent }))).toContain(
      'dev/null special 666 3:4',
    )
  })
})
