import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { silent } from '../../src/events.ts'
import { type Archive, fetchArchive } from '../../src/provision/archive.ts'
import { ArchiveTrees } from '../../src/provision/archive-trees.ts'
import { testFolder } from '../support/folder.ts'
import { testStore } from '../support/store.ts'
import { tarArchive } from '../support/tar-archive.ts'

/** A tarball of one file, and how often somebody has gone through its members. */
async function counted(name: string): Promise<{ archive: Archive; times: () => number }> {
  const path = join(await testFolder(), `${name}.tar`)
  writeFileSync(path, tarArchive([{ name, content: name, uid: 5 }]))
  const { signal } = new AbortController()
  const archive = await fetchArchive(path, {}, { store: await testStore(), report: silent, signal })
  let times = 0
  const entries = () => {
    times++
    return archive.entries()
  }
  return { archive: { ...archive, entries }, times: () => times }
}

it('the tree of a tarball is made once for all steps that take from it', async () => {
  const { archive, times } = await counted('a')
  const trees = new ArchiveTrees()
  const tree = trees.of(archive, 'archive')
  expect(tree.children.get('a')).toMatchObject({ kind: 'file', attrs: { uid: 5 } })
  // As another step does it, that has fetched it again.
  expect(trees.of({ ...archive }, 'archive')).toBe(tree)
  expect(times()).toBe(1)
})

it('the tree is another one for another owner, or another tarball', async () => {
  const [a, b] = [await counted('a'), await counted('b')]
  const trees = new ArchiveTrees()
  trees.of(a.archive, 'archive')
  expect(trees.of(a.archive, { uid: 7, gid: 8 }).children.get('a')).toMatchObject({ attrs: { uid: 7, gid: 8 } })
  expect(trees.of(a.archive, { uid: 7, gid: 9 }).children.get('a')).toMatchObject({ attrs: { uid: 7, gid: 9 } })
  expect([...trees.of(b.archive, 'archive').children.keys()]).toEqual(['b'])
  expect([a.times(), b.times()]).toEqual([3, 1])
})

it('of many tarballs, the trees that were asked for last are kept, until all are forgotten', async () => {
  const all = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(counted))
  const trees = new ArchiveTrees()
  const ask = (...places: number[]) => {
    for (const place of places) trees.of(all[place]!.archive, 'archive')
    return all.map(({ times }) => times())
  }
  expect(ask(0, 1, 2, 3, 0, 1, 2, 3)).toEqual([1, 1, 1, 1, 0])
  expect(ask(0, 4, 0)).toEqual([1, 1, 1, 1, 1])
  expect(ask(1)).toEqual([1, 2, 1, 1, 1])
  trees.forget()
  expect(ask(1)).toEqual([1, 3, 1, 1, 1])
})
