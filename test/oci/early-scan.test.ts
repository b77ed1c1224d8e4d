import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { EarlyScan } from '../../src/oci/early-scan.ts'
import { GzipScans } from '../../src/oci/gzip-scans.ts'
import { Store } from '../../src/oci/store.ts'
import { testFolder } from '../support/folder.ts'

const threads = () => readdirSync('/proc/self/task').length

it('an early thread looks through the first file, and no other is started for it', async () => {
  const early = new EarlyScan()
  const scans = new GzipScans(early.take())
  onTestFinished(() => scans.close())
  const path = join(await testFolder(), 'file')
  const bytes = gzipSync('words')
  await writeFile(path, bytes)
  const began = threads()
  const scan = scans.start(path)
  expect(threads()).toBe(began)
  scan.grew(bytes.length)
  scan.ended('whole')
  expect((await scans.waitFor(scan.answer)).blocks?.count).toBe(1)
})

it('an early thread is for who asks first, and ends with his', async () => {
  const before = threads()
  const early = new EarlyScan()
  expect(threads()).toBeGreaterThan(before)
  const store = await Store.open(await testFolder(), { early })
  expect(early.take()).toBeUndefined()
  await early[Symbol.asyncDispose]()
  expect(threads()).toBeGreaterThan(before)
  await store.close()
  await expect.poll(threads).toBe(before)
})

it('an early thread that nobody took ends', async () => {
  const before = threads()
  const early = new EarlyScan()
  expect(threads()).toBeGreaterThan(before)
  await early[Symbol.asyncDispose]()
  await expect.poll(threads).toBe(before)
})
