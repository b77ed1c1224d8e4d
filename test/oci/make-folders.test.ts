import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withFolders } from '../../src/oci/make-folders.ts'
import { testFolder } from '../support/folder.ts'

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
