import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { IndexWriter, readIndex } from '../../src/oci/layer-index.ts'
import type { TarEntry } from '../../src/oci/tar-entry.ts'
import { Random } from '../support/random-tree.ts'

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

const DIFF_ID = digestOf('tar')
const CHECKS = Uint32Array.of(0, 1, 2 ** 32 - 1)

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
    const index = readIndex(written(entries, 2 ** 40), DIFF_ID)
    expect(index).toMatchObject({ diffId: DIFF_ID, size: 2 ** 40, checks: CHECKS })
    expect([...index.entries()]).toEqual(entries)
    expect([...index.entries()]).toEqual(entries)
  })

  it('gives back many members whose names, owners and places have much in common', () => {
    const random = new Random(11)
    let offset = 0
    const entries = Array.from({ length: 5000 }, (_, i): TarEntry => {
      const size = random.below(3) === 0 ? 0 : random.below(2 ** 20)
      offset += 512
      const data = size === 0 ? [] : [{ at: 0, offset, size }]
      offset += size
      const path = `some/folder-${i >> 7}/${'x'.repeat(random.below(300))}${i}`
      return { ...plain, path, size, data, mtime: random.below(3), uid: random.below(2) }
    })
    expect([...readIndex(written(entries, offset), DIFF_ID).entries()]).toEqual(entries)
  })

  it.each([
    ['another layer', (bytes: Buffer) => bytes, digestOf('other')],
    ['another version', (bytes: Buffer) => resealed(replaced(bytes, '"version":3', '"version":2')), DIFF_ID],
    ['a changed name', (bytes: Buffer) => replaced(bytes, 'file', 'life'), DIFF_ID],
    ['another size', (bytes: Buffer) => replaced(bytes, '"size":512', '"size":513'), DIFF_ID],
    ['nothing', () => Buffer.alloc(0), DIFF_ID],
    ['something else', () => resealed(Buffer.from('x\nnull\n[]')), DIFF_ID],
  ])('of %s is not read', (_, damage, diffId) => {
    expect(() => readIndex(damage(written([plain], 512)), diffId)).toThrow('not what was written')
  })
})

function written(entries: readonly TarEntry[], size: number): Buffer {
  const writer = new IndexWriter()
  for (const entry of entries) writer.add(entry)
  return writer.finish(DIFF_ID, size, CHECKS)
}

function resealed(bytes: Buffer): Buffer {
  const rest = bytes.subarray(bytes.indexOf(0x0a) + 1)
  return Buffer.concat([Buffer.from(`${digestOf(rest)}\n`), rest])
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  expect(bytes.toString('latin1')).toContain(from)
  return Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1')
}
