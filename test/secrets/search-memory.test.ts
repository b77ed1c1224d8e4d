import { createHash } from 'node:crypto'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { apply } from '../../src/oci/apply.ts'
import { bytesContent, type Content, Slice, SliceFile } from '../../src/oci/content.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { guardOf } from '../../src/oci/file-guard.ts'
import { type Directory, EMPTY, FRESH_DIRECTORY, type Tree } from '../../src/oci/node.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'
import { searchTree } from '../../src/secrets/search-tree.ts'
import { secretText } from '../../src/secrets/secret-values.ts'
import { testFolder } from '../support/folder.ts'
import { token } from '../support/secrets.ts'

const VALUE = token('remembered', 30)
const values = [secretText('it', VALUE)]
const { signal } = new AbortController()

let kept: Set<Digest>
let hits: number
const memory = {
  isClean: async (what: Digest) => {
    if (kept.has(what)) hits++
    return kept.has(what)
  },
  keep: (what: Digest, isRight = () => true) => void (isRight() && kept.add(what)),
}

beforeEach(() => {
  kept = new Set()
  hits = 0
})

/** A file that the store knows by its digest, of one content; with a guard, an archive of a base. */
async function stored(text: string, checked?: string): Promise<Slice> {
  const path = join(await testFolder(), 'tar')
  writeFileSync(path, text)
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}` as Digest
  const damaged = async () => new OcibakeError('STORE_CORRUPT', 'damaged')
  const guard = checked === undefined ? {} : { guard: guardOf(Uint32Array.of(crc32(checked)), checked.length) }
  const file = new SliceFile(path, { digest, damaged, ...guard })
  onTestFinished(() => file.close())
  return new Slice(file, 0, text.length)
}

const treeOf = (contents: Readonly<Record<string, Content>>) =>
  Object.entries(contents).reduce<Tree>(
    (tree, [path, content]) =>
      apply(tree, placeAt(path, { kind: 'file', attrs: FRESH_DIRECTORY, content }) as Directory),
    EMPTY,
  )

const found = async (base: Tree, tree: Tree) =>
  (await searchTree(base, tree, { values, searchBase: true, memory, signal })).map(({ path }) => path)

describe('what was searched before', () => {
  it('is not read again, whatever else is new', async () => {
    const [base, news] = [await stored('of the base'), await stored('of a tarball')]
    const tree = treeOf({ base, news })
    expect(await found(treeOf({ base }), tree)).toEqual([])
    expect([kept.size, hits]).toEqual([2, 0])
    for (const { file } of [base, news]) writeFileSync(file.path, VALUE)
    expect(await found(treeOf({ base }), treeOf({ base, news, more: bytesContent(VALUE) }))).toEqual(['more'])
    expect(hits).toBe(2)
  })

  it('is another thing when it is new, or when another part of it is taken', async () => {
    const slice = await stored(`here, ${VALUE}`)
    const part = new Slice(slice.file, 0, 4)
    expect(await found(treeOf({ part }), treeOf({ part }))).toEqual([])
    expect(await found(EMPTY, treeOf({ part }))).toEqual([])
    expect(await found(treeOf({ slice }), treeOf({ slice }))).toEqual(['slice'])
    expect(hits).toBe(0)
  })

  it('is searched again when something was found, or could not be read', async () => {
    const slice = await stored(VALUE)
    for (let i = 0; i < 2; i++) expect(await found(EMPTY, treeOf({ slice }))).toEqual(['slice'])
    truncateSync(slice.file.path, 3)
    expect(await found(EMPTY, treeOf({ slice }))).toEqual([])
    expect([kept.size, hits]).toEqual([0, 0])
  })

  it('is a whole archive of the base, whichever of its files are taken', async () => {
    const [text, other] = ['here and there'.padEnd(VALUE.length), await stored('other', 'other')]
    const all = await stored(text, text)
    const [here, there] = [new Slice(all.file, 0, 4), new Slice(all.file, 9, 5)]
    const base = treeOf({ here, there, other })
    expect(await found(base, treeOf({ here }))).toEqual([])
    expect([kept.size, hits]).toEqual([1, 0])
    writeFileSync(all.file.path, VALUE)
    expect(await found(base, base)).toEqual([])
    expect(await found(base, treeOf({ all }))).toEqual([])
    expect(hits).toBe(2)
    // That it is clean was remembered of both together.
    expect(await found(treeOf({ all }), treeOf({ all }))).toEqual(['all'])
  })

  it('is no whole archive that has something where no file is, but the files', async () => {
    const text = `here, ${VALUE}`
    const here = new Slice((await stored(text, text)).file, 0, 4)
    for (const times of [0, 1]) {
      expect(await found(treeOf({ here }), treeOf({ here }))).toEqual([])
      expect([kept.size, hits]).toEqual([1, times])
    }
  })

  it('is searched again when the archive was damaged', async () => {
    const slice = await stored('damage', 'intact')
    expect(await found(treeOf({ slice }), treeOf({ slice }))).toEqual([])
    expect(kept.size).toBe(0)
  })

  it('is searched again when nobody knows what file it is of', async () => {
    const { file } = await stored('nothing')
    const unknown = new SliceFile(file.path)
    onTestFinished(() => unknown.close())
    for (let i = 0; i < 2; i++) expect(await found(EMPTY, treeOf({ x: new Slice(unknown, 0, 7) }))).toEqual([])
    expect(kept.size).toBe(0)
  })
})
