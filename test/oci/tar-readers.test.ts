import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { fromText } from '../../src/oci/name.ts'
import type { EntryType } from '../../src/oci/tar-entry.ts'
import { END_OF_ARCHIVE, encodeEntry, padding } from '../../src/oci/tar-header.ts'
import { fuzz } from '../support/fuzz.ts'
import { tarArchive } from '../support/tar-archive.ts'
import { type ReadMember, readByGnuTar, readByNodeTar, readByTarStream, readByUs } from '../support/tar-readers.ts'

const segment = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9_.+ ~-]{1,20}$/).filter((name) => !/^\.{1,2}$|^ | $/.test(name)),
  fc.constantFrom('é', '日本', 'long-'.repeat(19), 'n'.repeat(100), 'n'.repeat(101), 'ü'.repeat(60)),
)
const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'))
const id = fc.oneof(fc.nat(2 ** 21 - 1), fc.constantFrom(0, 65_100, 2 ** 21, 3_000_000, 2 ** 32 - 2))
const mtime = fc.oneof(fc.nat(2 ** 31), fc.constantFrom(0, 8 ** 11 - 1, 8 ** 11))
const types = ['file', 'file', 'file', 'link', 'symlink', 'directory', 'fifo', 'character', 'block'] as const
const member = fc
  .record({
    path,
    type: fc.constantFrom<EntryType>(...types),
    mode: fc.integer({ min: 1, max: 0o7777 }),
    uid: id,
    gid: id,
    mtime,
    target: path,
    content: fc.oneof(fc.constant(''), fc.string({ unit: 'binary-ascii', maxLength: 1200 })),
  })
  .map(({ target, content, path: name, ...rest }): ReadMember => {
    const isFile = rest.type === 'file'
    return {
      ...rest,
      path: rest.type === 'directory' ? `${name}/` : name,
      target: rest.type === 'link' || rest.type === 'symlink' ? target : '',
      content: isFile ? content : '',
      size: isFile ? content.length : 0,
    }
  })
const members = fc.array(member, { minLength: 1, maxLength: 8 })

function writtenByUs(all: readonly ReadMember[]): Buffer {
  const blocks = all.flatMap(({ content = '', ...one }) => [
    encodeEntry({
      ...one,
      path: fromText(one.path),
      target: fromText(one.target),
      major: 0,
      minor: 0,
      xattrs: new Map(),
    }),
    Buffer.from(content, 'latin1'),
    padding(content.length),
  ])
  return Buffer.concat([...blocks, END_OF_ARCHIVE])
}

const WORDS = { character: 'character-device', block: 'block-device' } as const

async function writtenByTarStream(all: readonly ReadMember[]): Promise<Buffer> {
  const packed = pack()
  for (const { path: name, type, mode, uid, gid, mtime: seconds, target, content = '' } of all) {
    const word = type === 'character' || type === 'block' ? WORDS[type] : type
    const header = { name, type: word, mode, uid, gid, mtime: new Date(seconds * 1000), linkname: target }
    if (type === 'file') packed.entry(header, Buffer.from(content, 'latin1'))
    else packed.entry(header)
  }
  packed.finalize()
  return buffer(packed)
}

const listing = ({ content: _, ...rest }: ReadMember) => rest
/** What tar-stream leaves in PAX headers, it does not tell. */
const plain = ({ path: name, type, mode, size, target, content }: ReadMember) => ({
  name,
  type,
  mode,
  size,
  target,
  content,
})

test('what we write is what we, GNU tar, node-tar and tar-stream read', async () => {
  await fc.assert(
    fc.asyncProperty(members, async (all) => {
      const bytes = writtenByUs(all)
      expect(readByUs(bytes)).toEqual(all)
      expect(readByGnuTar(bytes)).toEqual(all.map(listing))
      expect(await readByNodeTar(bytes)).toEqual(all)
      expect((await readByTarStream(bytes)).map(plain)).toEqual(all.map(plain))
    }),
    fuzz(60),
  )
})

test('what tar-stream writes, we read as GNU tar and node-tar do', async () => {
  await fc.assert(
    fc.asyncProperty(members, async (all) => {
      // Later times overflow its headers, and no reader takes them.
      const bytes = await writtenByTarStream(all.map((one) => ({ ...one, mtime: one.mtime % 2 ** 31 })))
      const ours = readByUs(bytes)
      expect(ours.map(listing)).toEqual(readByGnuTar(bytes))
      expect(ours).toEqual(await readByNodeTar(bytes))
    }),
    fuzz(60),
  )
})

test("GNU's own format is read as GNU tar, node-tar and tar-stream read it", async () => {
  await fc.assert(
    fc.asyncProperty(members, async (all) => {
      const small = all.map((one) => ({
        ...one,
        uid: one.uid & 0xffff,
        gid: one.gid & 0xffff,
        mtime: one.mtime % 8 ** 11,
      }))
      const bytes = tarArchive(
        small.map(({ path: name, content = '', ...rest }) => ({
          ...rest,
          name,
          content: Buffer.from(content, 'latin1'),
        })),
      )
      const ours = readByUs(bytes)
      expect(ours).toEqual(small)
      expect(readByGnuTar(bytes)).toEqual(small.map(listing))
      expect(await readByNodeTar(bytes)).toEqual(small)
      expect(await readByTarStream(bytes)).toEqual(small)
    }),
    fuzz(60),
  )
})
