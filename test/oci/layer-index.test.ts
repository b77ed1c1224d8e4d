import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { decodeIndex, encodeIndex } from '../../src/oci/layer-index.ts'
import type { TarEntry } from '../../src/oci/tar-entry.ts'

const every = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')
const plain: TarEntry = {
  path: 'file',
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
  data: [],
}

describe('a layer index', () => {
  it('gives every member back exactly', () => {
    const entries: TarEntry[] = [
      plain,
      { ...plain, path: every, mode: 0o7777, uid: 2 ** 32 - 2, gid: 3_000_000, mtime: -5 },
      { ...plain, path: '__proto__', type: 'symlink', target: every, mtime: 2 ** 40 },
      { ...plain, type: 'character', major: 4095, minor: 1_048_575 },
      {
        ...plain,
        size: 2 ** 50,
        data: [
          { at: 0, offset: 512, size: 10 },
          { at: 2 ** 49, offset: 1024, size: 1 },
        ],
      },
      {
        ...plain,
        xattrs: new Map([
          ['user.bin', Buffer.from(every, 'latin1')],
          ['__proto__', Buffer.alloc(0)],
        ]),
      },
    ]
    const index = { diffId: digestOf('tar'), size: 2 ** 40, entries }
    expect(decodeIndex(encodeIndex(index), index.diffId)).toEqual(index)
  })

  it.each([
    ['another layer', (bytes: Buffer) => bytes, digestOf('other')],
    [
      'another version',
      (bytes: Buffer) => Buffer.from(bytes.toString().replace('"version":1', '"version":0')),
      undefined,
    ],
    ['a changed mode', (bytes: Buffer) => Buffer.from(bytes.toString().replace('420', '493')), undefined],
    ['nothing', () => Buffer.alloc(0), undefined],
    ['JSON of something else', () => Buffer.from('null\n[]'), undefined],
  ])('of %s is not read', (_, damage, diffId) => {
    const index = { diffId: digestOf('tar'), size: 512, entries: [plain] }
    expect(() => decodeIndex(damage(encodeIndex(index)), diffId ?? index.diffId)).toThrow('not what was written')
  })
})
