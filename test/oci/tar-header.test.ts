import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { decodeHeader } from '../../src/oci/tar-decode.ts'
import { END_OF_ARCHIVE, encodeEntry, type HeaderFields, padding } from '../../src/oci/tar-header.ts'
import { readNumber } from '../../src/oci/tar-number.ts'
import { rawHeader, scan } from '../support/raw-tar.ts'

const FILE: HeaderFields = {
  path: 'etc/issue',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  size: 0,
  target: '',
  major: 0,
  minor: 0,
  xattrs: new Map(),
}

/** The one entry of an archive that has nothing but this header, and the body that it asks for if that is small. */
function readBack(fields: HeaderFields) {
  const [entry] = scan(Buffer.concat([encodeEntry(fields), END_OF_ARCHIVE]))
  const { data, ...rest } = entry!
  expect(data).toEqual([])
  return rest
}

describe('encodeEntry', () => {
  test('writes one block for what ustar holds', () => {
    const fields = { ...FILE, uid: 0o7777777, gid: 0o7777777, mtime: 8 ** 11 - 1, path: 'n'.repeat(100) }
    expect(encodeEntry(fields)).toHaveLength(512)
    expect(readBack(fields)).toEqual(fields)
  })

  test('keeps every mode, 0 too', () => {
    for (let mode = 0; mode <= 0o7777; mode++) expect(readBack({ ...FILE, mode }).mode).toBe(mode)
  })

  test.each<[string, Partial<HeaderFields>]>([
    ['a uid above 2 million', { uid: 2_097_152, gid: 3_000_000 }],
    ['the largest id', { uid: 2 ** 32 - 2, gid: 2 ** 32 - 2 }],
    ['a time after 2038', { mtime: 2 ** 31 }],
    ['a time after 2242', { mtime: 8 ** 11 }],
    ['a time before 1970', { mtime: -5 }],
    ['a time long before 1970', { mtime: -62_135_596_800 }],
    ['a name of 101 bytes', { path: 'n'.repeat(101) }],
    ['a name of 1000 bytes', { path: `${'d/'.repeat(450)}${'n'.repeat(100)}` }],
    ['a name cut at a slash', { path: `${'d'.repeat(99)}/file` }],
    ['a name in UTF-8', { path: '\xc3\xbc' }],
    ['a name that is no UTF-8', { path: 'a\xff\xfeb' }],
    ['a name with a newline and an equals sign', { path: 'a\n12 path=b' }],
    ['a name that ends in spaces', { path: 'a  ' }],
    ['a symlink', { type: 'symlink', mode: 0o777, target: '../x' }],
    ['a symlink of 4095 bytes', { type: 'symlink', target: 't'.repeat(4095) }],
    ['a hard link that is no ASCII', { type: 'link', target: '\xe4' }],
    ['a device', { type: 'character', major: 1, minor: 3 }],
    ['a block device with the largest numbers', { type: 'block', major: 4095, minor: 1_048_575 }],
    ['a fifo', { type: 'fifo' }],
    ['a sticky directory', { type: 'directory', path: 'tmp/', mode: 0o1777 }],
    ['a directory with a long name', { type: 'directory', path: `${'d'.repeat(200)}/` }],
    ['an empty xattr', { xattrs: new Map([['user.empty', new Uint8Array()]]) }],
    ['a binary xattr', { xattrs: new Map([['security.capability', Uint8Array.of(1, 0, 0, 2, 0xff, 10, 61, 0)]]) }],
  ])('keeps %s', (_, change) => {
    const fields = { ...FILE, ...change }
    expect(readBack(fields)).toEqual(fields)
  })

  test('gives the same bytes whatever the order of the xattrs', () => {
    const xattrs = [['user.b', Buffer.from('1')] as const, ['user.a', Buffer.from('2')] as const]
    const bytes = encodeEntry({ ...FILE, xattrs: new Map(xattrs) })
    expect(encodeEntry({ ...FILE, xattrs: new Map(xattrs.toReversed()) }).equals(bytes)).toBe(true)
    expect(bytes.indexOf('user.a')).toBeLessThan(bytes.indexOf('user.b'))
  })

  test('ends the name of a directory with a slash', () => {
    expect(readBack({ ...FILE, type: 'directory', path: 'd' }).path).toBe('d/')
  })

  test('never ends a cut name with a slash, which old readers take for a directory', () => {
    const bytes = encodeEntry({ ...FILE, path: `${'d'.repeat(99)}/file` })
    expect(bytes.subarray(-512).toString('latin1', 0, 100)).toBe(`${'d'.repeat(99)}\0`)
  })

  test('writes sizes of 8 GiB and more', () => {
    const { size } = decodeHeader(encodeEntry({ ...FILE, size: 8 ** 11 - 1 }))
    expect(size).toBe(8 ** 11 - 1)
    expect(encodeEntry({ ...FILE, size: 8 ** 11 }).includes('19 size=8589934592\n')).toBe(true)
  })

  test.each<[string, string, Partial<HeaderFields>]>([
    ['PATH_INVALID', 'an empty name', { path: '' }],
    ['PATH_INVALID', 'a NUL in the name', { path: 'a\0b' }],
    ['PATH_INVALID', 'a NUL in the target', { type: 'symlink', target: 'a\0b' }],
    ['LAYER_INVALID', 'an xattr with = in its name', { xattrs: new Map([['user.a=b', new Uint8Array()]]) }],
    ['LAYER_INVALID', 'an xattr without a name', { xattrs: new Map([['', new Uint8Array()]]) }],
    ['INTERNAL', 'a mode with file type bits', { mode: 0o100644 }],
    ['INTERNAL', 'the uid that chown ignores', { uid: 2 ** 32 - 1 }],
    ['INTERNAL', 'a negative gid', { gid: -1 }],
    ['INTERNAL', 'a fraction of a second', { mtime: 1.5 }],
    ['INTERNAL', 'no time at all', { mtime: Number.NaN }],
    ['INTERNAL', 'a negative size', { size: -1 }],
    ['INTERNAL', 'a device number that ustar cannot hold', { type: 'block', major: 2 ** 21 }],
  ])('refuses with %s %s', (code, _, change) => {
    expect(() => encodeEntry({ ...FILE, ...change })).toThrow(expect.objectContaining({ code }))
  })

  test('writes what GNU tar lists without a warning', () => {
    const entries: HeaderFields[] = [
      { ...FILE, path: './', type: 'directory', mode: 0o755 },
      { ...FILE, path: 'big', uid: 3_000_000, gid: 4_294_967_294, mode: 0 },
      { ...FILE, path: 'later', mtime: Date.UTC(2300, 0) / 1000, mode: 0o7777 },
      { ...FILE, path: 'old', mtime: -5 },
      { ...FILE, path: '\xc3\xbc'.repeat(80) },
      { ...FILE, path: 'ln', type: 'symlink', mode: 0o777, target: 'a'.repeat(150) },
      { ...FILE, path: 'hard', type: 'link', target: 'big', mode: 0 },
      { ...FILE, path: 'null', type: 'character', major: 1, minor: 3 },
      { ...FILE, path: 'pipe', type: 'fifo' },
      { ...FILE, path: 'cap', xattrs: new Map([['user.bin', Uint8Array.of(1, 0, 255)]]) },
    ]
    const input = Buffer.concat([...entries.map((entry) => encodeEntry(entry)), END_OF_ARCHIVE])
    const args = ['-tvvf', '-', '--numeric-owner', '--full-time', '--xattrs', '--quoting-style=escape']
    const listed = execFileSync('tar', args, { input, env: { PATH: process.env.PATH, TZ: 'UTC', LC_ALL: 'C' } })
    expect(
      listed
        .toString()
        .replace(/ +/g, ' ')
        .replaceAll(/(\\303\\274)+/g, 'U')
        .split('\n'),
    ).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00:00 ./',
      '---------- 3000000/4294967294 0 1970-01-01 00:00:00 big',
      '-rwsrwsrwt 0/0 0 2300-01-01 00:00:00 later',
      '-rw-r--r-- 0/0 0 1969-12-31 23:59:55 old',
      '-rw-r--r-- 0/0 0 1970-01-01 00:00:00 U',
      `lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 ln -> ${'a'.repeat(150)}`,
      'h--------- 0/0 0 1970-01-01 00:00:00 hard link to big',
      'crw-r--r-- 0/0 1,3 1970-01-01 00:00:00 null',
      'prw-r--r-- 0/0 0 1970-01-01 00:00:00 pipe',
      '-rw-r--r--* 0/0 0 1970-01-01 00:00:00 cap',
      ' x: 3 user.bin',
      '',
    ])
  })
})

describe('padding', () => {
  test.each([
    [0, 0],
    [1, 511],
    [511, 1],
    [512, 0],
    [513, 511],
    [2 ** 40 + 1, 511],
  ])('after %d bytes are %d zeros', (size, want) => {
    expect(padding(size).equals(Buffer.alloc(want))).toBe(true)
  })
})

describe('readNumber', () => {
  test.each<[string, string, number | undefined]>([
    ['octal', '0000644\0', 0o644],
    ['octal without an end', '00000644', 0o644],
    ['octal between spaces', '  644 \0\0', 0o644],
    ['octal cut at a NUL', '64\x004 xx', 0o64],
    ['an empty field', '\0\0\0\0\0\0\0\0', 0],
    ['spaces', '        ', 0],
    ['a digit 8', '0000648\0', undefined],
    ['two numbers', '64 4\0\0\0\0', undefined],
    ['a minus', '-000644\0', undefined],
    ['letters', 'garbage\0', undefined],
    ['base-256', '\x80\0\0\0\0\x2d\xc6\xc0', 3_000_000],
    ['base-256 of -1', '\xff\xff\xff\xff\xff\xff\xff\xff', -1],
    ['base-256 of the least number', '\xc0\0\0\0\0\0\0\0', -(2 ** 62)],
    ['base-256 beyond 2^53', '\xbf\xff\xff\xff\xff\xff\xff\xff', 2 ** 62],
  ])('reads %s', (_, field, want) => {
    expect(readNumber(Buffer.from(field, 'latin1'), 0, 8)).toBe(want)
  })

  test.each<[string, number | undefined]>([
    ['\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff', 2 ** 63],
    ['\x80\0\0\0\x80\0\0\0\0\0\0\0', undefined],
    ['\xff\xff\xff\xff\x80\0\0\0\0\0\0\0', -(2 ** 63)],
    ['\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff', undefined],
    ['\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff', undefined],
  ])('takes base-256 of 12 bytes up to 64 bits: %j', (field, want) => {
    expect(readNumber(Buffer.from(field, 'latin1'), 0, 12)).toBe(want)
  })
})

describe('decodeHeader', () => {
  test.each<[string, Parameters<typeof rawHeader>[0], string]>([
    ['ustar with a prefix', { at: [[345, 'usr/lib']] }, 'usr/lib/x'],
    ['ustar with a full prefix', { at: [[345, 'p'.repeat(155)]] }, `${'p'.repeat(155)}/x`],
    [
      'star, whose prefix is shorter',
      {
        at: [
          [345, 'p'.repeat(131)],
          [508, 'tar\0'],
        ],
      },
      `${'p'.repeat(131)}/x`,
    ],
    ['GNU, which has times there', { magic: 'ustar  \0', at: [[345, '00000000001\0']] }, 'x'],
    ['GNU as Go before 1.8 wrote it', { magic: 'ustar  \0', at: [[345, 'usr/lib']] }, 'usr/lib/x'],
    ['v7, which has nothing there', { magic: '\0'.repeat(8), at: [[345, 'usr/lib']] }, 'x'],
    ['GNU with another version, which is v7', { magic: 'ustar 00', at: [[345, 'usr/lib']] }, 'x'],
  ])('reads the name of %s', (_, raw, want) => {
    expect(decodeHeader(rawHeader(raw)).name).toBe(want)
  })

  test("accepts the checksum of signed bytes, as Sun's tar made it", () => {
    const block = rawHeader({ name: '\xff\xfe' })
    const sum = Number.parseInt(block.toString('latin1', 148, 154), 8)
    block.write(`${(sum - 512).toString(8).padStart(6, '0')}\0 `, 148)
    expect(decodeHeader(block).name).toBe('\xff\xfe')
  })

  test('refuses a wrong checksum with both sums', () => {
    const block = rawHeader({ checksum: '000017\0 ' })
    expect(() => decodeHeader(block)).toThrow(/checksum is 15; wanted \d+/)
  })
})
