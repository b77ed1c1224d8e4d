import { describe, expect, test } from 'vitest'
import { archive, type RawHeader, rawHeader, rawMember, rawPax } from '../support/raw-tar.ts'
import { canonical, type ReadTar, readTar } from '../support/read-tar.ts'

const GNU = 'ustar  \0'
const body = 'b'.repeat(700)

/** The member x between two files: the one before it says where to look, and the one after it that all went on. */
function around(member: Buffer, before = rawMember({ name: 'a' }, 'A')): ReadTar {
  return readTar(archive(before, member, rawMember({ name: 'z' }, 'Z')))
}

const header = (raw: RawHeader): RawHeader => ({ name: 'x', ...raw })
const octal = (size: number) => `${size.toString(8).padStart(11, '0')}\0`

describe('the header of a member is taken', () => {
  const device: RawHeader = { mode: '0000600\0', at: [[329, '0000010\x000000003\0']] }
  test.each<[string, Buffer]>([
    ['of an empty file', rawMember(header({}))],
    ['of a file of the ustar format', rawMember(header({}), body)],
    ['of a file of the GNU format', rawMember(header({ magic: GNU }), body)],
    ['with the names of its owner', rawMember(header({ at: [[265, 'root']] }), body)],
    ['with the name ./x', rawMember(header({ name: './x' }), body)],
    ['with the type in its mode, as Docker has it', rawMember(header({ mode: '0100644\0' }), body)],
    ['with numbers that end in a space, as libarchive has them', rawMember(header({ mode: '000644 \0' }), body)],
    ['of a directory without a slash', rawMember(header({ flag: '5' }))],
    ['of a directory with a slash', rawMember(header({ flag: '5', name: './x/' }))],
    ['of a symlink', rawMember(header({ flag: '2', mode: '0000777\0', target: './a' }))],
    ['of a hard link', rawMember(header({ flag: '1', target: 'a' }))],
    ['of a hard link to ./a', rawMember(header({ flag: '1', target: './a' }))],
    ['of a character device', rawMember(header({ ...device, flag: '3' }))],
    ['of a block device', rawMember(header({ ...device, flag: '4' }))],
    ['of a fifo', rawMember(header({ flag: '6' }))],
    ['with a PAX time', Buffer.concat([rawPax([['mtime', '99.5']]), rawMember(header({}), body)])],
    ['with a PAX owner', Buffer.concat([rawPax([['uid', '3000000']]), rawMember(header({}), body)])],
    ['with its size twice', Buffer.concat([rawPax([['size', '700']]), rawMember(header({}), body)])],
    ['with xattrs', Buffer.concat([rawPax([['SCHILY.xattr.user.a', 'b\0=\n']]), rawMember(header({}), body)])],
    ['with an empty xattr', Buffer.concat([rawPax([['SCHILY.xattr.user.a', '']]), rawMember(header({}), body)])],
    [
      'with a long name and a long target',
      Buffer.concat([
        rawMember({ name: '././@LongLink', flag: 'K', magic: GNU }, `${'t/'.repeat(300)}\0`),
        rawMember({ name: '././@LongLink', flag: 'L', magic: GNU }, 'x\0'),
        rawMember({ name: 'cut', flag: '2', mode: '0000777\0', magic: GNU, target: 't/' }),
      ]),
    ],
  ])('%s', (_, member) => {
    const tar = around(member)
    expect(canonical(tar.layer, tar)).toEqual([])
  })

  test('of a file in a folder that the prefix names', () => {
    const tar = around(
      Buffer.concat([rawMember({ name: 'x', flag: '5' }), rawMember(header({ name: 'file', at: [[345, 'x']] }), body)]),
    )
    expect(canonical(tar.layer, tar)).toEqual([])
  })
})

describe('the header of a member is not taken', () => {
  const pax = (...records: [string, string][]) => Buffer.concat([rawPax(records), rawMember(header({}), body)])
  const overlay = 'SCHILY.xattr.trusted.overlay.opaque'
  const high = 'x\xe9'
  const brokenPax = Buffer.concat([
    rawMember({ name: 'v' }, rawMember({ flag: 'x' }, 'no record')),
    rawMember(header({ flag: '7' }), body),
  ])
  const long = (flag: string, text: string, magic = GNU) => rawMember({ name: '././@LongLink', flag, magic }, text)

  test.each<[string, Buffer]>([
    ['behind a global header', Buffer.concat([rawPax([['comment', 'c']], 'g'), rawMember(header({}), body)])],
    ['with an unknown record', pax(['LIBARCHIVE.creationtime', '1'])],
    ['with a comment', pax(['comment', 'c'])],
    ['with a character set', pax(['hdrcharset', 'BINARY'])],
    ['with a record twice', pax(['mtime', '1'], ['mtime', '1'])],
    ['with an empty record', pax(['mtime', ''])],
    ['with a time before 1970', pax(['mtime', '-1'])],
    ['with a signed time', pax(['mtime', '+1'])],
    ['with a signed owner', pax(['uid', '+1'])],
    ['with an empty name in a record', pax(['path', ''])],
    [
      'of a directory with a size in a record',
      Buffer.concat([rawPax([['size', '5']]), rawHeader(header({ flag: '5' }))]),
    ],
    ['with an xattr of overlayfs', pax([overlay, 'y'])],
    ['with a link target that no link has', pax(['linkpath', 'a'])],
    ['with two PAX headers', Buffer.concat([rawPax([['mtime', '1']]), pax(['uid', '1'])])],
    [
      'with a size that differs',
      Buffer.concat([rawPax([['size', '700']]), rawHeader(header({})), rawMember({}, body).subarray(512)]),
    ],
    [
      'with a record whose length begins with 0',
      Buffer.concat([rawMember({ flag: 'x' }, '012 mtime=1\n'), rawMember(header({}), body)]),
    ],
    [
      'of a sparse file in records',
      pax(
        ['GNU.sparse.major', '0'],
        ['GNU.sparse.minor', '1'],
        ['GNU.sparse.size', '700'],
        ['GNU.sparse.numblocks', '1'],
        ['GNU.sparse.map', '0,700'],
      ),
    ],
    [
      'of a sparse file of the GNU format',
      rawMember(
        header({
          flag: 'S',
          magic: GNU,
          at: [
            [386, octal(0).replace('\0', ' ')],
            [398, octal(700)],
            [483, octal(700)],
          ],
        }),
        body,
      ),
    ],
    ['of a contiguous file', rawMember(header({ flag: '7' }), body)],
    ['of a contiguous file of the GNU format', rawMember(header({ flag: '7', magic: GNU }), body)],
    ['behind something in a file that begins like a header', brokenPax],
    ['of a file of old', rawMember(header({ flag: '\0' }), body)],
    ['of the v7 format', rawMember(header({ magic: '' }), body)],
    ['of star', rawMember(header({ at: [[508, 'tar\0']] }), body)],
    ['of another version of ustar', rawMember(header({ magic: 'ustar\x0001' }), body)],
    ['with an owner in base 256', rawMember(header({ magic: GNU, uid: '\x80\0\0\0\0\0\0\x05' }), body)],
    ['with a size in base 256', rawMember(header({ magic: GNU, size: '\x80\0\0\0\0\0\0\0\0\0\x02\xbc' }), body)],
    ['with a number behind spaces', rawMember(header({ mode: '   644 \0' }), body)],
    ['with a number without an end', rawMember(header({ mode: '00000644' }), body)],
    ['with a device number behind spaces', rawMember(header({ at: [[329, '     1 \0']] }), body)],
    ['with a device number that is not all empty', rawMember(header({ at: [[330, '1']] }), body)],
    ['with an empty number', rawMember(header({ gid: '\0\0\0\0\0\0\0\0' }), body)],
    ['with the type of something else in its mode', rawMember(header({ mode: '0040644\0' }), body)],
    ['with times of GNU tar', rawMember(header({ magic: GNU, at: [[345, octal(1)]] }), body)],
    ['with a directory of a size', rawHeader(header({ flag: '5', size: 5 }))],
    ['with a hard link of a size', rawHeader(header({ flag: '1', target: 'a', size: 1 }))],
    ['with a target that no link has', rawMember(header({ target: 'a' }), body)],
    ['with a long target that no link has', Buffer.concat([long('K', 'a\0'), rawMember(header({ magic: GNU }), body)])],
    ['with a long name without an end', Buffer.concat([long('L', 'x'), rawMember(header({ magic: GNU }), body)])],
    ['with an empty long name', Buffer.concat([long('L', '\0'), rawMember(header({ magic: GNU }), body)])],
    [
      'with two long names',
      Buffer.concat([long('L', 'y\0'), long('L', 'x\0'), rawMember(header({ magic: GNU }), body)]),
    ],
    ['with a long name before a ustar header', Buffer.concat([long('L', 'x\0'), rawMember(header({}), body)])],
    [
      'with a long name of the ustar format',
      Buffer.concat([long('L', 'x\0', 'ustar\x0000'), rawMember(header({}), body)]),
    ],
    [
      'with a PAX header before a GNU header',
      Buffer.concat([rawPax([['mtime', '1']]), rawMember(header({ magic: GNU }), body)]),
    ],
    ['with the name /x', rawMember(header({ name: '/x' }), body)],
    ['with the name ././x', rawMember(header({ name: '././x' }), body)],
    ['with the name y/../x', rawMember(header({ name: 'y/../x' }), body)],
    ['with the hard link target ../a', rawMember(header({ flag: '1', target: '../a' }))],
    ['with the mode of a symlink that no tree has', rawMember(header({ flag: '2', target: 'a' }))],
    ['with extended headers above 64 KiB', pax(['SCHILY.xattr.user.a', 'v'.repeat(65_536)])],
    [
      'with garbage behind its extended header',
      Buffer.concat([rawPax([['mtime', '1']]).fill(1, 1023), rawMember(header({}), body)]),
    ],
  ])('%s', (_, member) => {
    const tar = around(member)
    expect(canonical(tar.layer, tar)).toContain('x')
  })

  test('with the checksum that Sun made', () => {
    const block = rawHeader({ name: high })
    const sum = block.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : (byte << 24) >> 24), 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    const tar = around(block)
    expect(canonical(tar.layer, tar)).toContain(high)
  })

  test('of a member that the archive has again with other bytes', () => {
    const again = [rawMember({ name: 'y' }, 'Y'), rawMember(header({}), body.replaceAll('b', 'c'))]
    const tar = around(Buffer.concat([rawMember(header({}), body), ...again]))
    expect(canonical(tar.layer, tar)).toContain('x')
  })

  test('behind garbage in the padding of the file before it', () => {
    const before = rawMember({ name: 'a' }, 'A')
    before[513] = 1
    const tar = around(rawMember(header({}), body), before)
    expect(canonical(tar.layer, tar)).toEqual(['x'])
  })
})
