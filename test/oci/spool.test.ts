import { execFileSync } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAll } from '../../src/oci/content.ts'
import { chunked, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { filesOf, testStore } from '../support/store.ts'

describe('Spool', () => {
  it('can be read, but holds no descriptor for writing, once it is sealed', async () => {
    const store = await testStore()
    await using spool = await store.spool()
    const content = await spool.append(chunked(Buffer.from('kept'), 2))
    await spool.seal()
    expect((await readAll(content, 10)).toString()).toBe('kept')
    await expect(spool.append(chunked(Buffer.from('more'), 2))).rejects.toThrow(/closed/)
  })

  it('keeps the bytes of calls that overlap apart', async () => {
    const store = await testStore()
    const folder = await testFolder()
    await using spool = await store.spool()
    const random = new Random(4)
    const wanted = Array.from({ length: 40 }, () => wordy(random, random.below(random.pick([1, 50, 300_000]))))
    const contents = await Promise.all(
      wanted.map(async (bytes, i) => {
        if (i % 3 === 0) return spool.append(chunked(bytes, 1000))
        const path = join(folder, String(i))
        await writeFile(path, bytes)
        return spool.appendFile(Buffer.from(path), bytes.length)
      }),
    )
    for (const [i, content] of contents.entries()) {
      expect(content.size).toBe(wanted[i]!.length)
      expect((await readAll(content, 2 ** 20)).equals(wanted[i]!)).toBe(true)
    }
  })

  it('goes on after a source that failed', async () => {
    const store = await testStore()
    await using spool = await store.spool()
    const broken = new Error('broken')
    async function* failing() {
      yield Buffer.from('half')
      throw broken
    }
    const failed = spool.append(failing())
    const after = spool.append(chunked(Buffer.from('after')))
    await expect(failed).rejects.toBe(broken)
    expect((await readAll(await after, 10)).toString()).toBe('after')
  })

  it.each([
    ['is a symlink', (path: string) => symlink('/etc/passwd', path), 'ELOOP'],
    ['is a fifo', async (path: string) => execFileSync('mkfifo', [path]), 'FILE_CHANGED'],
    ['is longer', (path: string) => writeFile(path, 'eleven byte'), 'FILE_CHANGED'],
    ['is shorter', (path: string) => writeFile(path, 'nine byte'), 'FILE_CHANGED'],
  ])('refuses a file that now %s, without waiting', async (_, make, code) => {
    const store = await testStore()
    await using spool = await store.spool()
    const path = join(await testFolder(), 'file')
    await make(path)
    await expect(spool.appendFile(Buffer.from(path), 10)).rejects.toMatchObject({ code })
  })

  it('takes its bytes with it', async () => {
    const store = await testStore()
    const spool = await store.spool()
    await spool.append(chunked(Buffer.from('bytes')))
    await spool.dispose()
    await spool.dispose()
    expect(await filesOf(store.root)).toEqual([])
  })
})
