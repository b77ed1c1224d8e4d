import { existsSync } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeFolders, makeFoldersSync, withFolders } from '../../src/oci/make-folders.ts'
import { testFolder } from '../support/folder.ts'

const sync = async (path: string, mode?: number) => makeFoldersSync(path, mode)

it.each([
  ['makeFolders', makeFolders],
  ['makeFoldersSync', sync],
])('%s makes what is missing, with the mode, and leaves what is there', async (_, make) => {
  const folder = await testFolder()
  await mkdir(join(folder, 'there'), { mode: 0o755 })
  await make(join(folder, 'there/a/b'), 0o700)
  await make(join(folder, 'there/a/b'), 0o750)
  const modes = ['there', 'there/a', 'there/a/b'].map(async (path) => (await stat(join(folder, path))).mode & 0o777)
  expect(await Promise.all(modes)).toEqual([0o755, 0o700, 0o700])
})

it('says which folder is the first that it made', async () => {
  const folder = await testFolder()
  expect(await makeFolders(join(folder, 'a/b/c'))).toBe(join(folder, 'a'))
  expect(await makeFolders(join(folder, 'a/b/d'))).toBe(join(folder, 'a/b/d'))
  expect(await makeFolders(join(folder, 'a/b'))).toBeUndefined()
})

// Node's recursive mkdir asks for ever where the folder above is there and ENOENT the answer all the same.
it.each([
  ['/proc/nope', 'ENOENT', '/proc/nope'],
  ['/proc/nope/below/it', 'ENOENT', '/proc/nope'],
  ['/dev/null', 'EEXIST', '/dev/null'],
  ['/dev/null/below', 'ENOTDIR', '/dev/null/below'],
])('%s cannot be made: %s, of %s', async (path, code, of) => {
  await expect(makeFolders(path)).rejects.toMatchObject({ code, path: of })
  await expect(sync(path)).rejects.toMatchObject({ syscall: 'mkdir' })
})

it('folders that were made for what failed are gone, those that were there stay', async () => {
  const folder = await testFolder()
  await mkdir(join(folder, 'there'))
  const failing = withFolders(join(folder, 'there/a/b'), async () => {
    expect(existsSync(join(folder, 'there/a/b'))).toBe(true)
    throw new Error('failed')
  })
  await expect(failing).rejects.toThrow('failed')
  expect([existsSync(join(folder, 'there')), existsSync(join(folder, 'there/a'))]).toEqual([true, false])
  const half = withFolders(join(folder, 'there/c/d'), async () => {
    await writeFile(join(folder, 'there/c/other'), '')
    throw new Error('failed')
  })
  await expect(half).rejects.toThrow('failed')
  expect([existsSync(join(folder, 'there/c/other')), existsSync(join(folder, 'there/c/d'))]).toEqual([true, false])
})
