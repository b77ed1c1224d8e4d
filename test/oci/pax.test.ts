import { describe, expect, test } from 'vitest'
import { parsePax, paxRecord, readPaxTime } from '../../src/oci/pax.ts'

const parsed = (text: string) => [...parsePax(Buffer.from(text, 'latin1'))].map(([k, v]) => [k, v.toString('latin1')])

describe('PAX records', () => {
  test('are read back as the bytes they were written as', () => {
    for (let size = 0; size < 1200; size++) {
      const value = Buffer.alloc(size, 'a\n=\0\xff', 'latin1')
      const record = paxRecord('SCHILY.xattr.user.x', value)
      expect(record.toString('latin1').split(' ')[0]).toBe(String(record.length))
      expect(parsePax(record).get('SCHILY.xattr.user.x')?.equals(value)).toBe(true)
    }
  })

  test.each([
    ['the last of a repeated key counts', '9 path=a\n9 path=b\n', [['path', 'b']]],
    ['a value may have = and newlines', '15 comment=a=\n\n', [['comment', 'a=\n']]],
    ['an empty value stays an empty value', '8 path=\n', [['path', '']]],
    ['a NUL may be in a value that is no name', '11 k=a\0b\0c\n', [['k', 'a\0b\0c']]],
    [
      'sparse 0.0 becomes sparse 0.1',
      '23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=2\n23 GNU.sparse.offset=3\n25 GNU.sparse.numbytes=4\n',
      [['GNU.sparse.map', '1,2,3,4']],
    ],
  ])('%s', (_, text, want) => {
    expect(parsed(text)).toEqual(want)
  })

  test.each([
    ['no length', 'path=a\n', /without a length/],
    ['no space', '12', /without a length/],
    ['a length that is no number', '0x9 path=a\n', /without a length/],
    ['a length too short', '4 a=\n', /without a length/],
    ['a length of nothing but itself', '5    \n', /wrong length/],
    ['a negative length', '-9 path=a\n', /without a length/],
    ['a length beyond the end', '11 path=a\n', /11 bytes where 10 are left/],
    ['a length beyond the end by far', '99999999999999999999 path=a\n', /without a length/],
    ['a length that ends before the newline', '8 path=a\n', /wrong length, 8/],
    ['no =', '9 path a\n', /without '='/],
    ['the = in the next record', '6 pat\n9 path=a\n', /without '='/],
    ['a NUL in path', '12 path=a\0b\n', /NUL in the record 'path'/],
    ['a NUL in linkpath', '16 linkpath=a\0b\n', /NUL in the record 'linkpath'/],
    ['a NUL in a key', '7 a\0b=\n', /NUL in the record 'a\\x00b'/],
    ['zeros after the records', '9 path=a\n\0\0\0', /without a length at its byte 9/],
    ['sparse numbytes before offset', '25 GNU.sparse.numbytes=2\n', /numbytes where GNU.sparse.offset/],
    ['two sparse offsets', '23 GNU.sparse.offset=1\n23 GNU.sparse.offset=1\n', /offset where GNU.sparse.numbytes/],
    ['a comma in a sparse offset', '25 GNU.sparse.offset=1,2\n', /GNU.sparse.offset/],
  ])('are refused with %s', (_, text, message) => {
    const code = 'ARCHIVE_INVALID'
    expect(() => parsed(text)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
  })
})

describe('PAX times', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['+5', 5],
    ['1.999999999', 1],
    ['1.', 1],
    ['-1', -1],
    ['-1.0', -1],
    ['-1.5', -2],
    ['-0.1', -1],
    ['-0', 0],
    ['-1.0000000001', -1],
    ['4102444800.25', 4102444800],
  ])('%s is second %d', (text, want) => {
    expect(readPaxTime(text)).toBe(want)
  })

  test.each(['', '.5', 'x', '1e3', '1.5.5', '1.-5', ' 1', '0x10', '99999999999999999999', 'NaN', '1_0'])(
    "'%s' is no time",
    (text) => {
      expect(readPaxTime(text)).toBeUndefined()
    },
  )
})
