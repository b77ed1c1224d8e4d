import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAll, SliceFile } from '../../src/oci/content.ts'
import { entryContent } from '../../src/oci/layer-read.ts'
import { Random } from '../support/random-tree.ts'
import { archive, contentOf, type RawHeader, rawMember, rawPax, scan } from '../support/raw-tar.ts'

const FORMATS = {
  'old GNU': ['--format=gnu'],
  oldgnu: ['--format=oldgnu'],
  'PAX 0.0': ['--format=pax', '--sparse-version=0.0'],
  'PAX 0.1': ['--format=pax', '--sparse-version=0.1'],
  'PAX 1.0': ['--format=pax', '--sparse-version=1.0'],
} as const

const MIB = 1 << 20

describe('sparse files that GNU tar wrote', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocibake-sparse-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** A file of `size` bytes with short pieces of data at these places. */
  function sparseFile(name: string, size: number, places: readonly number[]): void {
    const descriptor = openSync(join(folder, name), 'w')
    ftruncateSync(descriptor, size)
    for (const place of places) writeSync(descriptor, `data at ${place}`, place)
    closeSync(descriptor)
  }

  test.each(Object.entries(FORMATS))('are read in the format %s', async (format, args) => {
    sparseFile('hole', MIB, [])
    sparseFile('start', MIB, [0])
    sparseFile('end', MIB + 20, [MIB])
    sparseFile(
      'four',
      MIB,
      [1, 2, 3, 4].map((n) => n * 65_536),
    )
    sparseFile(
      'many',
      40 * MIB,
      Array.from({ length: 300 }, (_, n) => n * 131_072 + 7),
    )
    writeFileSync(join(folder, 'dense'), 'no hole at all')
    const names = ['hole', 'start', 'end', 'four', 'many', 'dense']
    const tar = join(folder, `${format}.tar`)
    execFileSync('tar', [...args, '--sparse', '--hole-detection=raw', '-cf', tar, '-C', folder, ...names])
    const bytes = readFileSync(tar)
    const entries = scan(bytes, new Random(1))
    expect(entries.map(({ path }) => path)).toEqual(names)
    expect(bytes.length).toBeLessThan(3 * MIB)
    const file = new SliceFile(tar)
    for (const entry of entries) {
      const want = readFileSync(join(folder, entry.path))
      expect(entry.size).toBe(want.length)
      expect(contentOf(bytes, entry).equals(want)).toBe(true)
      expect((await readAll(entryContent(file, entry), 50 * MIB)).equals(want)).toBe(true)
    }
    file.close()
  })
})

/** An old GNU sparse header: real size at 483, map from 386, "extended" at 482. */
function oldSparse(size: number, map: readonly (readonly [number, number])[], more: RawHeader = {}): RawHeader {
  const octal = (value: number) => `${value.toString(8).padStart(11, '0')}\0`
  const at = map.map(([offset, length], i) => [386 + 24 * i, octal(offset) + octal(length)] as const)
  return { flag: 'S', magic: 'ustar  \0', ...more, at: [...at, [483, octal(size)], ...(more.at ?? [])] }
}

const pax = (records: Record<string, string>) =>
  rawPax(Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value] as const))

describe('sparse maps', () => {
  test('may have empty parts, and an end mark of none', () => {
    const bytes = archive(
      rawMember(
        oldSparse(20, [
          [2, 3],
          [5, 0],
          [20, 0],
        ]),
        'abc',
      ),
    )
    expect(scan(bytes)[0]).toMatchObject({ size: 20, data: [{ at: 2, offset: 512, size: 3 }] })
  })

  test('of PAX 1.0 stay out of the content', () => {
    const map = Buffer.alloc(512)
    map.write('2\n0\n1\n9\n1\n')
    const records = pax({ major: '1', minor: '0', name: 'real', realsize: '10' })
    const bytes = archive(records, rawMember({ name: 'GNUSparseFile.0/real' }, Buffer.concat([map, Buffer.from('ab')])))
    const [entry] = scan(bytes)
    expect(entry).toMatchObject({ path: 'real', size: 10 })
    expect(contentOf(bytes, entry!).toString('latin1')).toBe('a\0\0\0\0\0\0\0\0b')
  })

  test('of an unknown version make no sparse file, as in Go', () => {
    const bytes = archive(pax({ major: '2', minor: '0', name: 'real', realsize: '10' }), rawMember({ name: 'n' }, 'ab'))
    expect(scan(bytes)).toMatchObject([{ path: 'n', size: 2, data: [{ at: 0, size: 2 }] }])
  })

  const text = (map: string) => [pax({ major: '1', minor: '0', realsize: '10' }), rawMember({}, map)]
  const records = (numblocks: string, map: string, size = '10', body = 'abc') => [
    pax({ major: '0', minor: '1', numblocks, map, size }),
    rawMember({}, body),
  ]
  test.each<[string, Buffer[], RegExp]>([
    [
      'parts that overlap',
      [
        rawMember(
          oldSparse(20, [
            [0, 2],
            [1, 1],
          ]),
          'abc',
        ),
      ],
      /puts 1 bytes at 1 of 20/,
    ],
    [
      'parts out of order',
      [
        rawMember(
          oldSparse(20, [
            [9, 2],
            [0, 1],
          ]),
          'abc',
        ),
      ],
      /puts 1 bytes at 0 of 20/,
    ],
    ['a part beyond the end', [rawMember(oldSparse(20, [[18, 3]]), 'abc')], /puts 3 bytes at 18 of 20/],
    ['more data than the map has', [rawMember(oldSparse(20, [[0, 2]]), 'abc')], /2 bytes of data; the archive has 3/],
    ['less data than the map has', [rawMember(oldSparse(20, [[0, 4]]), 'abc')], /4 bytes of data; the archive has 3/],
    [
      'a size of 8 EiB',
      [rawMember(oldSparse(0, [[0, 3]], { at: [[483, `\x80${'\0'.repeat(3)}\x7f${'\xff'.repeat(7)}`]] }), 'abc')],
      /out of range/,
    ],
    [
      'a size above 1 TiB',
      [rawMember(oldSparse(0, [], { at: [[483, '\x80\0\0\0\0\0\x01\0\0\0\0\x01']] }))],
      /sparse size/,
    ],
    ['a negative size', [rawMember(oldSparse(0, [], { at: [[483, '\xff'.repeat(12)]] }))], /sparse size is -1/],
    ["star's sparse flag", [rawMember({ flag: 'S' }, 'abc')], /another format/],
    [
      'a directory',
      [pax({ major: '0', minor: '1', numblocks: '0' }), rawMember({ flag: '5' })],
      /directory with a sparse map/,
    ],
    ['a wrong count', records('2', '0,3'), /2 numbers; wanted 4/],
    ['an odd count', records('1', '0,3,4'), /3 numbers; wanted 2/],
    ['no count', records('', '0,3'), /no number/],
    ['a huge count', records('9007199254740991', '0,3'), /2 numbers; wanted/],
    ['a negative count', records('-1', '0,3'), /wanted -2/],
    ['words', records('1', 'zero,three'), /no number/],
    ['a size that is no number', records('1', '0,3', 'ten'), /no number/],
    ['a negative length', records('2', '5,-3,5,6'), /puts -3 bytes/],
    ['a NUL in the name', [pax({ major: '0', minor: '1', numblocks: '0', name: 'a\0b' }), rawMember({})], /NUL/],
    ['a text map without an end', text(`9\n1\n${'0'.repeat(600)}`), /no number|ends in the middle/],
    ['a text map of one endless line', text('1'.repeat(4096)), /no number/],
    ['a text map that is longer than the data', text('900\n1\n1\n'), /ends in the middle of its sparse map/],
    ['a text map of 1 MiB', text(`600000\n${'0\n'.repeat(700_000)}`), /larger than 1048576/],
    ['a text map with a negative count', text(`-1\n${'\0'.repeat(509)}`), /negative/],
  ])('are refused with %s', (_, members, message) => {
    const error = expect.objectContaining({ code: 'ARCHIVE_INVALID', message: expect.stringMatching(message) })
    expect(() => scan(archive(...members))).toThrow(error)
  })

  test.each<[string, Buffer[]]>([
    ['one file', [rawMember(oldSparse(2 ** 31, [[0, 3]]), 'abc')]],
    ['many files', Array.from({ length: 2000 }, () => rawMember(oldSparse(2 ** 20, [])))],
  ])('that make holes of gigabytes out of kilobytes are a bomb: %s', (_, members) => {
    const message = /'x'\): .* bytes of holes in \d+ bytes of archive; at most 1000 times/
    const error = expect.objectContaining({ code: 'ARCHIVE_UNSAFE', message: expect.stringMatching(message) })
    expect(() => scan(archive(...members))).toThrow(error)
  })

  test('may make a gigabyte of holes out of nothing, and more out of more', () => {
    expect(scan(archive(rawMember(oldSparse(2 ** 30, []))))).toMatchObject([{ size: 2 ** 30 }])
    const data = rawMember({ name: 'data' }, Buffer.alloc(3 << 20))
    expect(scan(archive(data, rawMember(oldSparse(2 ** 31, []))))).toMatchObject([{ size: 3 << 20 }, { size: 2 ** 31 }])
  })

  test('of an old header that goes on for ever are refused', () => {
    const more = Buffer.alloc(512)
    more[504] = 1
    const blocks = Array.from({ length: 2100 }, () => more)
    const bytes = archive(rawMember(oldSparse(20, [], { at: [[482, '\x01']] })), ...blocks)
    expect(() => scan(bytes)).toThrow(/larger than 1048576/)
  })
})
