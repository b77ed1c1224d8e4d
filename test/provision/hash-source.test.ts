import { chmodSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, it } from 'vitest'
import { silent } from '../../src/events.ts'
import type { Store } from '../../src/oci/store.ts'
import { hashSource } from '../../src/provision/hash-source.ts'
import { hostSource } from '../../src/provision/host-source.ts'
import { FileMemory } from '../../src/provision/known-files.ts'
import { testFolder } from '../support/folder.ts'
import { testStore } from '../support/store.ts'

let folder: string
let store: Store
beforeEach(async () => {
  folder = join(await testFolder(), 'source')
  store = await testStore()
  mkdirSync(join(folder, 'd'), { recursive: true })
  put('a', 'one')
  put('d/b', 'two')
  symlinkSync('a', join(folder, 'link'))
})

const put = (path: string, text: string) => writeFileSync(join(folder, path), text)

async function hashed(memory = new FileMemory(store, 'test'), trust = true) {
  const source = hostSource({ copy: folder }, { ownOutputs: new Set(), report: silent })
  return await hashSource(source, { memory, trust, signal: new AbortController().signal })
}

it('depends on what the image gets, and on nothing else', async () => {
  const { digest } = await hashed()
  utimesSync(join(folder, 'a'), 1, 1)
  chmodSync(join(folder, 'a'), 0o600)
  renameSync(folder, `${folder}-moved`)
  folder += '-moved'
  expect(await hashed()).toEqual({ digest, change: undefined })
})

it.each<[string, () => void, string]>([
  ['bytes', () => put('d/b', 'TWO'), 'd/b changed'],
  ['a mode', () => chmodSync(join(folder, 'a'), 0o755), 'a changed'],
  ['a name', () => renameSync(join(folder, 'a'), join(folder, 'c')), 'c is new'],
  ['an empty folder', () => mkdirSync(join(folder, 'e')), 'e is new'],
  ['a name with a newline', () => put('new\nline', ''), 'new\\nline is new'],
])('sees another %s, and says where', async (_, change, wanted) => {
  const { digest } = await hashed()
  change()
  const now = await hashed()
  expect(now.digest).not.toBe(digest)
  expect(now.change).toBe(wanted)
})

it('does not read a file again that was left alone for two seconds, and reads one that was not', async () => {
  const first = await hashed()
  await sleep(2100)
  // Read once more, because the first time it was too young; from now on its stamp is believed.
  await hashed()
  const reads: string[] = []
  class Spying extends FileMemory {
    override async table() {
      reads.push('table')
      return await super.table()
    }
  }
  expect(await hashed(new Spying(store, 'test'))).toEqual({ ...first, change: undefined })
  expect(reads).toEqual([])
  put('a', 'ONE')
  expect((await hashed(new Spying(store, 'test'))).change).toBe('a changed')
  // In the very moment in which it was hashed: the same size and inode, and for all anybody knows the same times.
  put('a', 'two')
  expect((await hashed(new Spying(store, 'test'))).change).toBe('a changed')
  expect(reads).toEqual(['table', 'table'])
})
