import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { OcibakeError } from '../../src/errors.ts'
import { silent } from '../../src/events.ts'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, readAll } from '../../src/oci/content.ts'
import { type Directory, directory, EMPTY, NO_XATTRS, type Tree } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { nodeAt, placeAt } from '../../src/oci/tree-paths.ts'
import { walk } from '../../src/oci/walk.ts'
import { type Archive, fetchArchive } from '../../src/provision/archive.ts'
import { archiveLayer, type LayerOptions } from '../../src/provision/archive-layer.ts'
import type { FetchOptions } from '../../src/provision/start-fetch.ts'
import type { Tools } from '../../src/provision/step.ts'
import { unpack } from '../../src/provision/unpack.ts'
import { testFolder } from '../support/folder.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { startS3 } from '../support/s3.ts'
import { type Member, tarArchive } from '../support/tar-archive.ts'

const PACKAGE: readonly Member[] = [
  { name: './', type: 'directory', mode: 0o700, uid: 1000, gid: 1000 },
  { name: './p-1.0/', type: 'directory' },
  { name: './p-1.0/files/', type: 'directory', mode: 0o2775, uid: 1000, gid: 1001 },
  { name: './p-1.0/files/bin/', type: 'directory' },
  { name: './p-1.0/files/bin/tool', content: 'TOOL', mode: 0o4755, uid: 1000, gid: 1001, mtime: 1_500_000_000 },
  { name: './p-1.0/files/bin/alias', type: 'link', target: './p-1.0/files/bin/tool' },
  { name: './p-1.0/files/lib', type: 'symlink', target: 'bin' },
  { name: './p-1.0/doc/README', content: 'read me' },
]

let store: Store
let folder: string

beforeEach(async () => {
  folder = await testFolder()
  const opened = await Store.open(join(folder, 'store'))
  store = opened
  onTestFinished(() => opened.close())
})

const tools = () => ({ store, report: silent, signal: new AbortController().signal })
const failure = (promise: Promise<unknown>): Promise<OcibakeError> =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error) => error as OcibakeError,
  )

async function archiveOf(bytes: Buffer | string, name = 'p-1.0.tar', options: FetchOptions = {}): Promise<Archive> {
  writeFileSync(join(folder, name), bytes)
  return await fetchArchive(join(folder, name), options, tools())
}

async function layerOf(members: readonly Member[], options: Partial<LayerOptions> = {}): Promise<Directory> {
  return archiveLayer(await archiveOf(tarArchive(members)), { to: '', ...options })
}

function names(layer: Directory): string[] {
  return [...walk(layer)].map(([path]) => path)
}

describe('fetchArchive', () => {
  const tar = tarArchive(PACKAGE)
  const by = (program: string) => execFileSync(program, ['-c'], { input: tar })

  it.each([
    ['nothing', () => tar],
    ['gzip', () => gzipSync(tar)],
    ['zstd', () => zstdCompressSync(tar)],
    ['xz', () => by('xz')],
    ['bzip2', () => by('bzip2')],
    [
      'xz in two streams',
      () =>
        Buffer.concat(
          [tar.subarray(0, 1000), tar.subarray(1000)].map((input) => execFileSync('xz', ['-c'], { input })),
        ),
    ],
  ])('reads an archive compressed with %s, whatever its name says', async (_, bytes) => {
    const archive = await archiveOf(bytes(), 'name.zip')
    expect(Array.from(archive.entries(), ({ path }) => path)).toEqual(PACKAGE.map(({ name }) => name))
    const layer = archiveLayer(archive, { to: '' })
    const tool = nodeAt(layer, 'p-1.0/files/bin/tool')
    expect(tool?.kind === 'file' && (await readAll(tool.content, 100)).toString()).toBe('TOOL')
  })

  it.each([
    ['an HTML page', '<!DOCTYPE html><title>Sign in</title>', /it looks like an HTML page: '<!DOCTYPE html>/],
    ['an HTML page in gzip', gzipSync(`<html>${' '.repeat(2000)}`), /an HTML page/],
    ['an S3 error', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /an XML document/],
    ['JSON', '{"message":"Not Found"}', /a JSON document/],
    ['a zip file', Buffer.from(`PK\x03\x04${'\0'.repeat(600)}\x01`), /a zip file/],
    ['text', 'hello\n'.repeat(200), /text: 'hello/],
    ['bytes', Buffer.alloc(2000, 0xf1), /looks like/],
  ])('says what it got in the place of an archive: %s', async (_, bytes, message) => {
    const error = await failure(archiveOf(bytes))
    expect(error).toMatchObject({ code: 'ARCHIVE_INVALID', message: expect.stringMatching(message) })
    expect(error.message).toContain('p-1.0.tar is no tar archive')
  })

  it.each([
    ['gzip', () => gzipSync(tar)],
    ['zstd', () => zstdCompressSync(tar)],
    ['xz', () => by('xz')],
    ['bzip2', () => by('bzip2')],
  ])('refuses an archive whose %s data are cut short', async (_, bytes) => {
    const cut = bytes().subarray(0, -30)
    expect(await failure(archiveOf(cut))).toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringMatching(/p-1\.0\.tar/),
    })
  })

  it('lets no header of xz ask for gigabytes of memory', async () => {
    const bytes = by('xz')
    // Stream header of 12 bytes; then size, flags, LZMA2, one byte of properties: the dictionary, 40 is 4 GiB - 1.
    const header = bytes.subarray(12, 12 + (bytes[12]! + 1) * 4)
    expect([...header.subarray(2, 4)]).toEqual([0x21, 1])
    header[4] = 40
    header.writeUInt32LE(crc32(header.subarray(0, -4)), header.length - 4)
    expect(await failure(archiveOf(bytes))).toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringMatching(/Memory usage limit/),
    })
  })

  it('refuses a tar that is cut short or damaged in the middle', async () => {
    const cut = await failure(archiveOf(tar.subarray(0, 2500)))
    expect(cut).toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringMatching(/^p-1\.0\.tar: The tar archive/),
    })
    const damaged = Buffer.from(tar)
    damaged[1024 + 5] = 0x7a
    expect(await failure(archiveOf(damaged))).toMatchObject({ code: 'ARCHIVE_INVALID' })
  })

  it.each([517, 1000, 1541, 2047])(
    'refuses a tar of two members that is cut at byte %i, as GNU tar does',
    async (size) => {
      const whole = archive(rawMember({ name: 'a' }, 'hello'), rawMember({ name: 'b' }, 'world'))
      expect(await failure(archiveOf(whole.subarray(0, size)))).toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringMatching(/member '[ab]'\): the archive ends in the middle of it/),
        hint: 'Fetch or make it again.',
      })
    },
  )

  it('says of a hard link to nothing that the archive is at fault', async () => {
    writeFileSync(join(folder, 'p-1.0.tar'), archive(rawMember({ name: 'l', flag: '1', target: 'gone' })))
    const lent = { ...tools(), inputDated: () => {} } as unknown as Tools
    const error = await failure(unpack(EMPTY, { unpack: join(folder, 'p-1.0.tar'), to: '/' }, lent))
    expect(error).toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringMatching(/^p-1\.0\.tar: .*gone/),
      hint: 'Leave the member out with `exclude`.',
    })
  })

  it('says which package has a program that is missing', async () => {
    const bytes = by('xz')
    vi.stubEnv('PATH', '/nonexistent')
    const error = await failure(archiveOf(bytes))
    vi.unstubAllEnvs()
    expect(error).toMatchObject({ code: 'TOOL_MISSING', hint: 'apt-get install xz-utils' })
  })

  it('downloads nothing when the store has what sha256 names', async () => {
    const s3 = await startS3()
    onTestFinished(() => s3.stop())
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value)
    onTestFinished(() => void vi.unstubAllEnvs())
    s3.createBucket('bucket')
    const bytes = gzipSync(tar)
    s3.put('bucket', 'a/p-1.0.tar.gz', bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const first = await fetchArchive('s3://bucket/a/p-1.0.tar.gz', { sha256 }, tools())
    expect(first).toMatchObject({ name: 'p-1.0.tar.gz', source: 's3://bucket/a/p-1.0.tar.gz' })
    expect(
      readdirSync(join(folder, 'store'), { recursive: true }).filter((name) => String(name).includes('fetch')),
    ).toEqual([])
    await s3.stop()
    const second = await fetchArchive('s3://bucket/a/p-1.0.tar.gz', { sha256 }, tools())
    expect([...second.entries()]).toEqual([...first.entries()])
  })

  it.each([
    ['is missing', 'none', 'FETCH_NOT_FOUND'],
    ['is a folder', 'store', 'ARCHIVE_INVALID'],
    ['is a fifo', 'fifo', 'ARCHIVE_INVALID'],
  ])('refuses a path that %s, without waiting', async (_, name, code) => {
    execFileSync('mkfifo', [join(folder, 'fifo')])
    expect(await failure(fetchArchive(join(folder, name), {}, tools()))).toMatchObject({ code })
  })

  it('refuses an archive without members', async () => {
    const archive = await archiveOf(Buffer.alloc(1024))
    expect(() => archiveLayer(archive, { to: '' })).toThrow(
      expect.objectContaining({ message: 'p-1.0.tar has no members.', hint: expect.stringMatching(/to its end/) }),
    )
  })
})

describe('archiveLayer', () => {
  it('unpacks what the wildcard takes, stripped, owned by root, with modes, times and links as they are', async () => {
    const layer = await layerOf(PACKAGE, { to: 'opt/x', stripComponents: 3, wildcards: ['*/files'] })
    expect(names(layer)).toEqual(['opt', 'opt/x', 'opt/x/bin', 'opt/x/bin/alias', 'opt/x/bin/tool', 'opt/x/lib'])
    const tool = nodeAt(layer, 'opt/x/bin/tool')
    expect(tool).toMatchObject({ kind: 'file', attrs: { mode: 0o4755, uid: 0, gid: 0, mtime: 1_500_000_000 } })
    expect(nodeAt(layer, 'opt/x/bin/alias')).toBe(tool)
    expect(nodeAt(layer, 'opt/x')).toMatchObject({ attrs: null })
  })

  it('keeps what the image has for the destination, and for folders that no member describes', async () => {
    const there = { mode: 0o1770, uid: 7, gid: 8, mtime: 9, xattrs: NO_XATTRS }
    const image = apply(EMPTY, placeAt('opt/x', directory(new Map([['doc', directory(new Map(), there)]]), there)))
    const tree = apply(
      image,
      await layerOf([{ name: './', type: 'directory', mode: 0o700 }, { name: './doc/f' }], { to: 'opt/x' }),
    )
    expect(nodeAt(tree, 'opt/x')).toMatchObject({ attrs: there })
    expect(nodeAt(tree, 'opt/x/doc')).toMatchObject({ attrs: there })
  })

  it.each([
    [undefined, { uid: 0, gid: 0 }],
    ['archive', { uid: 1000, gid: 1001 }],
    [
      { uid: 65_100, gid: 3_000_000 },
      { uid: 65_100, gid: 3_000_000 },
    ],
  ] as const)('gives owner %j to every member', async (owner, expected) => {
    const layer = await layerOf(PACKAGE, { ...(owner !== undefined && { owner }) })
    expect(nodeAt(layer, 'p-1.0/files/bin/tool')).toMatchObject({ attrs: expected })
    expect(nodeAt(layer, 'p-1.0/files')).toMatchObject({ attrs: { ...expected, mode: 0o2775 } })
  })

  it('keeps devices and fifos', async () => {
    const layer = await layerOf([
      { name: 'd', type: 'block', mode: 0o600 },
      { name: 'f', type: 'fifo' },
    ])
    expect(nodeAt(layer, 'd')).toMatchObject({ kind: 'special', type: 'block' })
    expect(nodeAt(layer, 'f')).toMatchObject({ kind: 'special', type: 'fifo' })
  })

  it('keeps names that are no UTF-8, and control characters, as bytes', async () => {
    const layer = await layerOf([
      { name: Buffer.from('a\xff\n', 'latin1') },
      { name: '__proto__/x' },
      { name: 'C:\\x' },
    ])
    expect(names(layer)).toEqual(['C:\\x', '__proto__', '__proto__/x', 'a\xff\n'])
  })

  it.each([
    [
      'wildcards',
      { wildcards: ['*/nothing'] },
      "No member of p-1.0.tar matches '*/nothing'.\nIt has 8 members; the first is './'.",
      'Change `wildcards`',
    ],
    [
      'one of the wildcards',
      { wildcards: ['*/files', 'x', 'y'] },
      "No member of p-1.0.tar matches 'x' or 'y'.\nIt has 8 members; the first is './'.",
      'Change `wildcards`',
    ],
    ['exclude', { exclude: ['*'] }, '`exclude` leaves no member of p-1.0.tar.\nIt has 8 members', 'Change `exclude`'],
    [
      'stripComponents',
      { stripComponents: 9 },
      'No chosen member of p-1.0.tar has more than 9 components in its name.',
      'Change `stripComponents`',
    ],
  ])('says so when %s leave nothing', async (_, options, message, hint) => {
    const error = await failure(layerOf(PACKAGE, options))
    expect(error).toMatchObject({ code: 'UNPACK_NOTHING_MATCHED', exitCode: 1 })
    expect(error.message).toContain(message)
    expect(error.hint).toContain(hint)
  })

  const link = (name: string, target: string): Member => ({ name, type: 'symlink', target })
  it.each([
    ["'..' that climbs out", [{ name: 'a/../../evil' }], {}, 'a/../../evil'],
    ["'..' behind what is stripped", [{ name: 'a/../evil' }], { stripComponents: 1 }, 'a/../evil'],
    ['a hard link out by ..', [{ name: 'h', type: 'link', target: '../../etc/shadow' }], {}, '../../etc/shadow'],
    ['a whiteout', [{ name: 'etc/.wh.passwd' }], {}, 'etc/.wh.passwd'],
    ['an opaque mark', [{ name: 'etc/.wh..wh..opq' }], {}, '.wh..wh..opq'],
    ['a folder named as a whiteout', [{ name: '.wh.x/f' }], {}, '.wh.x/f'],
    ['a name through a symlink to elsewhere', [link('l', '/etc'), { name: 'l/passwd' }], {}, 'l/passwd'],
    ['a name through a symlink with ..', [link('l', '../../etc'), { name: 'l/passwd' }], {}, 'l/passwd'],
    ['a name through two symlinks', [link('a/l', '..'), link('m', 'a/l/..'), { name: 'm/x' }], {}, 'm/x'],
    ['a folder through a symlink', [link('l', '/etc'), { name: 'l/d/', type: 'directory' }], {}, 'l/d'],
    [
      'a hard link to something behind a symlink',
      [link('l', '/etc'), { name: 'h', type: 'link', target: 'l/shadow' }],
      {},
      "'h'",
    ],
  ] satisfies [string, Member[], Partial<LayerOptions>, string][])(
    'refuses %s by name',
    async (_, members, options, name) => {
      const error = await failure(layerOf(members, { to: 'opt/x', ...options }))
      expect(error).toMatchObject({ code: 'ARCHIVE_UNSAFE', exitCode: 1 })
      expect(error.message).toContain(name)
      expect(error.message).toMatch(/^p-1\.0\.tar has the member /)
    },
  )

  it.each([
    ['absolute names', [{ name: '/etc/x' }, { name: '//a//b' }], {}, ['opt/x/a/b', 'opt/x/etc/x']],
    ['a second slash at the cut', [{ name: 'a//abs/path' }], { stripComponents: 1 }, ['opt/x/abs/path']],
    ["'..' that stays inside", [{ name: 'a/../b' }], {}, ['opt/x/b']],
    ['a symlink that stays inside', [link('l', 'd'), { name: 'l/f' }], {}, ['opt/x/d/f', 'opt/x/l']],
    [
      'a symlink to the destination from the root',
      [link('l', '/opt/x/d'), { name: 'l/f' }],
      {},
      ['opt/x/d/f', 'opt/x/l'],
    ],
    [
      'symlinks out that nothing goes through',
      [link('l', '/etc/passwd'), link('m', '../../../..')],
      {},
      ['opt/x/l', 'opt/x/m'],
    ],
    [
      'a symlink that a folder replaces',
      [link('l', '/etc'), { name: 'l/', type: 'directory' }, { name: 'l/f' }],
      {},
      ['opt/x/l/f'],
    ],
    ['a refused member that is excluded', [{ name: '../evil' }, { name: 'f' }], { exclude: ['evil'] }, ['opt/x/f']],
  ] satisfies [string, Member[], Partial<LayerOptions>, string[]][])(
    'keeps inside: %s',
    async (_, members, options, leaves) => {
      const layer = await layerOf(members, { to: 'opt/x', ...options })
      const found = [...walk(layer)].filter(([, node]) => node.kind !== 'directory').map(([path]) => path)
      expect(found).toEqual(leaves)
    },
  )

  it('leaves a hard link to what only the image has to apply', async () => {
    const image = apply(
      EMPTY,
      placeAt('opt/x/there', { kind: 'file', attrs: { ...EMPTY.attrs, mode: 0o644 }, content: bytesContent('T') }),
    )
    const tree = apply(image, await layerOf([{ name: 'h', type: 'link', target: 'there' }], { to: 'opt/x' }))
    expect(nodeAt(tree, 'opt/x/h')).toBe(nodeAt(tree, 'opt/x/there'))
  })

  it('speaks of the archive where the reader of layers speaks of a layer', async () => {
    const error = await failure(layerOf([{ name: 'f' }, { name: 'f/x' }]))
    expect(error).toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringMatching(/^p-1\.0\.tar: the archive has something in/),
    })
  })
})

describe('unpack', () => {
  const dates: number[] = []
  const lent = () => ({ ...tools(), inputDated: (time: number) => void dates.push(time) }) as unknown as Tools
  const step = (options: object) => ({ unpack: join(folder, 'p-1.0.tar'), to: '/opt/x', ...options })
  const run = (tree: Tree, options: object = {}) => {
    writeFileSync(join(folder, 'p-1.0.tar'), tarArchive(PACKAGE))
    return unpack(tree, step(options), lent())
  }

  it('tells the newest time among the members that it took', async () => {
    const dated = (name: string, mtime: number) => ({ name, mtime })
    writeFileSync(join(folder, 'p-1.0.tar'), tarArchive([dated('a/old', 5), dated('a/new', 7), dated('b/left-out', 9)]))
    await unpack(EMPTY, step({ wildcards: ['a'] }), lent())
    expect(dates.at(-1)).toBe(7)
  })

  it("lays the members over the image, owned by one of the image's users", async () => {
    const passwd = bytesContent('core:x:65100:65101::/:/bin/sh\n')
    const image = apply(
      EMPTY,
      placeAt('etc/passwd', { kind: 'file', attrs: { ...EMPTY.attrs, mode: 0o644 }, content: passwd }),
    )
    const tree = await run(image, { owner: 'core', stripComponents: 3, wildcards: ['*/files'] })
    expect(nodeAt(tree, 'opt/x/bin/tool')).toMatchObject({ attrs: { uid: 65100, gid: 65101, mode: 0o4755 } })
    expect(nodeAt(tree, 'etc/passwd')).toBe(nodeAt(image, 'etc/passwd'))
  })

  it('follows a symlink of the image to the destination, inside the image', async () => {
    const image = apply(
      EMPTY,
      placeAt('opt', { kind: 'symlink', attrs: { ...EMPTY.attrs, mode: 0o777 }, target: '/usr/opt' }),
    )
    const tree = await run(apply(image, placeAt('usr/opt', directory())))
    expect(nodeAt(tree, 'usr/opt/x/p-1.0/doc/README')).toMatchObject({ kind: 'file' })
    expect(nodeAt(tree, 'opt')).toMatchObject({ kind: 'symlink' })
  })

  it('verifies the sha256 of a local file too', async () => {
    const error = await failure(run(EMPTY, { sha256: '0'.repeat(64) }))
    expect(error).toMatchObject({ code: 'CHECKSUM_MISMATCH' })
  })

  it('reads a local file in its place, whatever the folder is called', async () => {
    const odd = join(folder, "-o dd'é")
    mkdirSync(odd)
    writeFileSync(join(odd, '--x.tar'), tarArchive(PACKAGE))
    appendFileSync(join(odd, '--x.tar'), Buffer.alloc(512))
    const tree = await unpack(EMPTY, { unpack: join(odd, '--x.tar'), to: '/' }, lent())
    expect(nodeAt(tree, 'p-1.0/doc/README')).toMatchObject({ kind: 'file' })
  })
})
