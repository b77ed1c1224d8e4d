import { execFileSync } from 'node:child_process'
import {
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TarScanner } from '../../src/oci/tar-scan.ts'
import { Random } from '../support/random-tree.ts'
import { archive, contentOf, rawHeader, rawMember, rawPax, scan } from '../support/raw-tar.ts'

const LONG = `${'long-'.repeat(19)}name`
const UNIX = process.getuid?.() === 0

describe('archives that GNU tar wrote', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocibake-scan-'))
    const root = join(folder, 'root')
    const deep = join(root, 'deep', LONG, LONG)
    mkdirSync(join(root, 'empty dir'), { recursive: true })
    mkdirSync(deep, { recursive: true })
    writeFileSync(join(root, 'plain'), 'hello\n', { mode: 0o640 })
    writeFileSync(join(root, 'block'), Buffer.alloc(512, 'b'))
    writeFileSync(join(root, 'more'), Buffer.alloc(70_000, 'm'))
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from('n\xfcl\n', 'latin1')]), '')
    writeFileSync(join(root, 'setuid'), 's')
    execFileSync('chmod', ['4755', join(root, 'setuid')])
    symlinkSync('../plain', join(root, 'sym'))
    linkSync(join(root, 'plain'), join(root, 'zlink'))
    utimesSync(join(root, 'block'), 1.75, 1_234_567_890.999)
    execFileSync('mkfifo', [join(root, 'pipe')])
    if (UNIX) {
      lchownSync(join(root, 'plain'), 65_100, 1000)
      execFileSync('mknod', [join(root, 'null'), 'c', '1', '3'])
      execFileSync('setfattr', ['-n', 'user.bin', '-v', '0x0100ff0a3d', join(root, 'plain')])
    }
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  function makeTar(args: readonly string[], names: readonly string[]): Buffer {
    const tar = join(folder, 'out.tar')
    execFileSync('tar', [...args, '--sort=name', '-cf', tar, '-C', join(folder, 'root'), ...names])
    return readFileSync(tar)
  }

  const SHORT = ['block', 'empty dir', 'more', 'null', 'pipe', 'plain', 'setuid', 'sym', 'zlink']
  test.each([
    ['v7', ['--format=v7'], SHORT.filter((name) => name !== 'null' && name !== 'pipe')],
    ['ustar', ['--format=ustar'], SHORT],
    ['ustar with a prefix', ['--format=ustar'], ['deep']],
    ['oldgnu', ['--format=oldgnu'], ['.']],
    ['gnu', ['--format=gnu'], ['.']],
    ['pax', ['--format=pax'], ['.']],
    ['pax with xattrs', ['--format=pax', '--xattrs'], ['.']],
    ['gnu with huge owners', ['--format=gnu', '--owner=:4294967294', '--group=:3000000', '--mtime=@-5'], ['.']],
    ['pax with huge owners', ['--format=pax', '--owner=:4294967294', '--group=:3000000', '--mtime=@-5'], ['.']],
    ['gnu with far times', ['--format=gnu', '--mtime=@9999999999999'], ['.']],
    ['pax with far times', ['--format=pax', '--mtime=@99999999999.9'], ['.']],
  ])('are read as the files are: %s', (_, args, names) => {
    const present = names.filter((name) => UNIX || name !== 'null')
    const bytes = makeTar(args, present)
    const fixed = Object.fromEntries(args.flatMap((arg) => (arg.includes('=') ? [arg.slice(2).split(/=:?@?/)] : [])))
    const entries = scan(bytes)
    expect(entries.length).toBeGreaterThan(2)
    for (const entry of entries) {
      const path = Buffer.concat([Buffer.from(`${folder}/root/`), Buffer.from(entry.path, 'latin1')])
      const stat = lstatSync(path)
      expect(entry.mode).toBe(stat.mode & 0o7777)
      expect(entry.uid).toBe(Number(fixed.owner ?? stat.uid))
      expect(entry.gid).toBe(Number(fixed.group ?? stat.gid))
      expect(entry.mtime).toBe(Math.floor(Number(fixed.mtime ?? stat.mtimeMs / 1000)))
      expect(entry.type === 'directory').toBe(stat.isDirectory())
      if (entry.type === 'file') expect(contentOf(bytes, entry).equals(readFileSync(path))).toBe(true)
      else expect(entry.size).toBe(0)
      if (args.includes('--xattrs') && entry.path === './plain' && UNIX) {
        expect([...entry.xattrs]).toEqual([['user.bin', Uint8Array.of(1, 0, 255, 10, 61)]])
      }
    }
    const byName = new Map(entries.map((entry) => [entry.path.replace(/^\.\//, ''), entry]))
    if (byName.has('sym')) expect(byName.get('sym')).toMatchObject({ type: 'symlink', target: '../plain' })
    if (byName.has('zlink')) expect(byName.get('zlink')).toMatchObject({ type: 'link', size: 0 })
    if (byName.has('pipe')) expect(byName.get('pipe')).toMatchObject({ type: 'fifo' })
    if (byName.has('null')) expect(byName.get('null')).toMatchObject({ type: 'character', major: 1, minor: 3 })
    if (names[0] === '.') expect(byName.get(`deep/${LONG}/${LONG}/`)).toMatchObject({ type: 'directory' })
    if (names[0] === '.') expect(byName.has('n\xfcl\n')).toBe(true)
  })

  test('give the same members however they are cut into chunks', () => {
    for (const format of ['gnu', 'pax']) {
      const bytes = makeTar([`--format=${format}`], ['.'])
      const whole = scan(bytes)
      for (let seed = 1; seed <= 50; seed++) expect(scan(bytes, new Random(seed)), `seed ${seed}`).toEqual(whole)
    }
  })
})

describe('what Go reads in one way', () => {
  const names = (bytes: Buffer) => scan(bytes).map(({ path }) => path)
  const gnu = (flag: string, text: string) =>
    rawMember({ name: '././@LongLink', flag, magic: 'ustar  \0' }, `${text}\0`)

  test.each<[string, Buffer, object[]]>([
    ['nothing at all', Buffer.alloc(0), []],
    ['only the end', archive(), []],
    ['no end', rawMember({ name: 'a' }, 'a'), [{ path: 'a' }]],
    ['one block of zeros at the end', Buffer.concat([rawMember({}), Buffer.alloc(512)]), [{ path: 'x' }]],
    ['no padding at the end', rawMember({ name: 'a' }, 'abc').subarray(0, 515), [{ path: 'a', size: 3 }]],
    ['half of the padding', rawMember({ name: 'a' }, 'abc').subarray(0, 900), [{ path: 'a', size: 3 }]],
    ['garbage after the end', Buffer.concat([archive(rawMember({})), Buffer.alloc(700, 'g')]), [{ path: 'x' }]],
    ['members after the end', archive(rawMember({}), Buffer.alloc(1024), rawMember({ name: 'y' })), [{ path: 'x' }]],
    [
      'a PAX size above the header',
      archive(rawPax([['size', '3']]), rawMember({ size: 0 }, 'abc'), rawMember({ name: 'y' })),
      [{ size: 3 }, { path: 'y' }],
    ],
    [
      'a PAX size of 0',
      archive(rawPax([['size', '0']]), rawHeader({ size: 512 }), rawMember({ name: 'y' })),
      [{ size: 0, data: [] }, { path: 'y' }],
    ],
    [
      'an empty PAX record',
      archive(
        rawPax([
          ['path', 'p'],
          ['path', ''],
        ]),
        rawMember({ name: 'h' }),
      ),
      [{ path: 'h' }],
    ],
    [
      'the last of two PAX headers alone',
      archive(rawPax([['path', 'p']]), rawPax([['uid', '7']]), rawMember({ name: 'h' })),
      [{ path: 'h', uid: 7 }],
    ],
    ['a GNU name above PAX before it', archive(rawPax([['path', 'p']]), gnu('L', 'g'), rawMember({})), [{ path: 'g' }]],
    ['a GNU name above PAX after it', archive(gnu('L', 'g'), rawPax([['path', 'p']]), rawMember({})), [{ path: 'g' }]],
    ['the last of two GNU names', archive(gnu('L', 'g'), gnu('L', 'h'), rawMember({})), [{ path: 'h' }]],
    ['a GNU name up to its NUL', archive(gnu('L', 'g\0h'), rawMember({})), [{ path: 'g' }]],
    ['an empty GNU name', archive(gnu('L', ''), rawMember({})), [{ path: 'x' }]],
    ['a GNU target', archive(gnu('K', 't'), rawMember({ flag: '2', target: 'u' })), [{ type: 'symlink', target: 't' }]],
    [
      'a global header has no effect',
      archive(
        rawPax(
          [
            ['path', 'p'],
            ['size', '9'],
            ['uid', '9'],
          ],
          'g',
        ),
        rawMember({ name: 'h' }),
      ),
      [{ path: 'h', size: 0, uid: 0 }],
    ],
    [
      'a directory with a size',
      archive(rawHeader({ flag: '5', size: 512 }), rawMember({ name: 'y' })),
      [{ size: 0 }, { path: 'y' }],
    ],
    [
      'a hard link with a size',
      archive(rawHeader({ flag: '1', target: 't', size: 512 }), rawMember({ name: 'y' })),
      [{ type: 'link', size: 0 }, { path: 'y' }],
    ],
    [
      'a device with a negative size',
      archive(rawHeader({ flag: '3', size: '\xff'.repeat(12) })),
      [{ type: 'character', size: 0 }],
    ],
    [
      'a fifo with a PAX size',
      archive(rawPax([['size', '512']]), rawHeader({ flag: '6' }), rawMember({ name: 'y' })),
      [{ type: 'fifo' }, { path: 'y' }],
    ],
    [
      'a v7 directory',
      archive(rawHeader({ name: 'd/', flag: '\0', size: 512 }), rawMember({ name: 'y' })),
      [{ type: 'directory', size: 0 }, { path: 'y' }],
    ],
    ['a v7 file', archive(rawMember({ name: 'f', flag: '\0' }, 'f')), [{ type: 'file', size: 1 }]],
    ['a ustar file with a slash', archive(rawMember({ name: 'f/' }, 'f')), [{ type: 'file', path: 'f/', size: 1 }]],
    ['a contiguous file', archive(rawMember({ flag: '7' }, 'c')), [{ type: 'file', size: 1 }]],
    ['file type bits in the mode', archive(rawMember({ mode: '0104755\0' })), [{ mode: 0o4755 }]],
    ['a negative base-256 mode', archive(rawMember({ mode: '\xff'.repeat(8) })), [{ mode: 0o7777 }]],
    ['a fraction of a second before 1970', archive(rawPax([['mtime', '-0.5']]), rawMember({})), [{ mtime: -1 }]],
    ['names that lead out, as they are', archive(rawMember({ name: '/../a//./b/../' })), [{ path: '/../a//./b/../' }]],
    [
      'a PAX name with a newline and bytes that are no UTF-8',
      archive(rawPax([['path', 'a\n\xff=']]), rawMember({})),
      [{ path: 'a\n\xff=' }],
    ],
    ['a target for what is no link', archive(rawMember({ target: 't' })), [{ type: 'file', target: '' }]],
    ['device numbers for what is no device', archive(rawMember({ at: [[329, '0000007\0']] })), [{ major: 0 }]],
    [
      'an xattr of any bytes, and none of overlayfs',
      archive(
        rawPax([
          ['SCHILY.xattr.user.a', '\0\xff\n'],
          ['SCHILY.xattr.user.e', ''],
          ['SCHILY.xattr.trusted.overlay.opaque', 'y'],
          ['SCHILY.xattr.user.overlay.origin', 'x'],
          ['LIBARCHIVE.xattr.user.b', 'Yg=='],
          ['SCHILY.xattr.', 'n'],
        ]),
        rawMember({}),
      ),
      [
        {
          xattrs: new Map([
            ['user.a', Uint8Array.of(0, 255, 10)],
            ['user.e', Uint8Array.of()],
          ]),
        },
      ],
    ],
  ])('%s', (_, bytes, want) => {
    const got = scan(bytes)
    expect(got).toMatchObject(want)
    expect(got).toHaveLength(want.length)
    expect(scan(bytes, new Random(7))).toEqual(got)
  })

  test('a member is given out once all its bytes have passed', () => {
    const scanner = new TarScanner()
    const bytes = archive(rawMember({ name: 'a' }, 'abc'), rawMember({ name: 'b' }))
    expect(scanner.push(bytes.subarray(0, 1023))).toEqual([])
    expect(scanner.push(bytes.subarray(1023, 1024))).toMatchObject([{ path: 'a' }])
    expect(scanner.push(bytes.subarray(1024))).toMatchObject([{ path: 'b' }])
    expect(scanner.end()).toEqual([])
    expect(names(bytes)).toEqual(['a', 'b'])
  })

  test('offsets count from the first byte pushed', () => {
    const bytes = archive(rawMember({ name: 'a' }, 'one'), rawPax([['mtime', '1']]), rawMember({ name: 'b' }, 'two'))
    expect(scan(bytes).map((entry) => contentOf(bytes, entry).toString())).toEqual(['one', 'two'])
  })
})

describe('refused', () => {
  const pax = (key: string, value: string, flag = '0') => [rawPax([[key, value]]), rawMember({ flag })]
  const huge = `${(2 ** 20 + 1).toString(8).padStart(11, '0')}\0`
  test.each<[string, Buffer[], RegExp]>([
    ['a text', [Buffer.alloc(512, '<html>')], /checksum/],
    [
      'a wrong checksum',
      [rawMember({}), rawMember({ checksum: '000001\0 ' })],
      /at byte 512: its header's checksum is 1/,
    ],
    ['a lone block of zeros', [Buffer.alloc(512), rawMember({})], /one block of zeros/],
    ['a negative size', [rawHeader({ size: '\xff'.repeat(12) })], /size is -1/],
    ['a negative size that PAX mends', [rawPax([['size', '0']]), rawHeader({ size: '\xff'.repeat(12) })], /size is -1/],
    ['a negative PAX size', pax('size', '-1'), /size is -1/],
    ['a PAX size that is no number', pax('size', 'NaN'), /size in its PAX header is no number/],
    ['a PAX size of 2^63', pax('size', '9223372036854775808'), /size in its PAX header is no number/],
    ['a size of garbage', [rawHeader({ size: 'garbage' })], /size in its header is no number/],
    [
      'a size of 2^62',
      [rawHeader({ size: `\x80${'\0'.repeat(3)}\x40${'\0'.repeat(7)}` })],
      /size in its header is out of range/,
    ],
    ['an overflowing uid', [rawHeader({ uid: `\x80${'\0'.repeat(2)}\x01${'\0'.repeat(4)}` })], /uid is 4294967296/],
    ['the uid 2^32-1', pax('uid', '4294967295'), /uid is 4294967295; wanted 0..4294967294/],
    ['a negative gid', pax('gid', '-1'), /gid is -1/],
    ['a PAX uid with a fraction', pax('uid', '1.5'), /uid in its PAX header is no number/],
    ['a bad mtime', pax('mtime', 'yesterday'), /mtime in its PAX header is no number/],
    ['a bad atime', pax('atime', 'x'), /atime/],
    ['a bad ctime', pax('ctime', 'x'), /ctime/],
    ['a mode of garbage', [rawHeader({ mode: '0000999\0' })], /mode in its header is no number/],
    ['device numbers that Linux has not', [rawHeader({ flag: '3', at: [[329, '0010000\0']] })], /device major is 4096/],
    ['device numbers of garbage', [rawHeader({ at: [[329, 'garbage\0']] })], /device major/],
    [
      'star times of garbage',
      [
        rawHeader({
          at: [
            [476, 'garbage'],
            [508, 'tar\0'],
          ],
        }),
      ],
      /time in its header/,
    ],
    ['a NUL in a PAX path', pax('path', 'a\0b'), /NUL in the record 'path'/],
    [
      'a broken PAX header',
      [rawMember({ flag: 'x' }, 'garbage'), rawMember({})],
      /PAX header has a record without a length/,
    ],
    ['a broken global header', [rawMember({ flag: 'g' }, 'garbage'), rawMember({})], /PAX header has a record/],
    ['a PAX header above 1 MiB', [rawHeader({ flag: 'x', size: huge })], /1048577 bytes; at most 1048576/],
    ['a global header above 1 MiB', [rawHeader({ flag: 'g', size: huge })], /at most 1048576/],
    ['a long name above 1 MiB', [rawHeader({ flag: 'L', size: huge })], /at most 1048576/],
    ['a long target of 8 GiB', [rawHeader({ flag: 'K', size: '77777777777\0' })], /at most 1048576/],
    ['a PAX header without a member', [rawPax([['path', 'p']])], /extended header without a member/],
    ['a long name without a member', [rawMember({ flag: 'L' }, 'p\0')], /extended header without a member/],
    [
      'a global header behind a PAX header',
      [rawPax([['path', 'p']]), rawPax([], 'g'), rawMember({})],
      /parts a member/,
    ],
    ['an unknown type', [rawMember({ flag: 'Z' })], /type 'Z'/],
    ['a type that is no letter', [rawMember({ flag: '\x07' })], /type 0x07/],
    ["GNU's volume label", [rawMember({ flag: 'V' })], /type 'V'/],
    ["GNU's part of a file", [rawMember({ flag: 'M' }, 'part')], /type 'M'/],
  ])('%s', (_, members, message) => {
    const error = expect.objectContaining({ code: 'ARCHIVE_INVALID', message: expect.stringMatching(message) })
    expect(() => scan(archive(...members))).toThrow(error)
    expect(() => scan(archive(...members), new Random(3))).toThrow(error)
  })

  test('an archive that is cut anywhere but between members and in padding', () => {
    const whole = archive(
      rawPax([['path', 'p']]),
      rawMember({ name: 'a' }, 'abc'),
      rawMember({ name: 'b' }, 'x'.repeat(600)),
    )
    const good = new Set([0, 1024 + 512 + 512, 3584, 4096])
    for (let size = 0; size < 4608; size += 1) {
      const padded = (size >= 1536 + 3 && size <= 2048) || (size >= 2560 + 600 && size <= 3584)
      const outcome = () => scan(whole.subarray(0, size))
      if (padded || good.has(size)) outcome()
      else expect(outcome, `cut at ${size}`).toThrow(/ends in the middle|without a member/)
    }
  })

  test('with the byte and the member, nothing in it fit to harm a terminal', () => {
    const bytes = archive(
      rawMember({ name: 'a' }, 'abc'),
      rawPax([
        ['path', 'e\x1b[31m\nvil'],
        ['uid', '-4'],
      ]),
      rawMember({}),
    )
    expect(() => scan(bytes)).toThrow(
      "The tar archive is broken at byte 2048 (member 'e\\x1b[31m\\nvil'): its uid is -4; wanted 0..4294967294.",
    )
  })
})
