import { chmod, lchown, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { codeFolder } from '../../src/cli/compiled-code.ts'
import { testFolder } from '../support/folder.ts'

const NOBODY = 65534

let root = ''
let code = ''

beforeEach(async () => {
  root = join(await testFolder(), 'store')
  code = join(root, 'code')
  await mkdir(root)
})

describe('compiled code', () => {
  it('is in a folder of the store that is made when it is needed', async () => {
    expect(codeFolder(root)).toBe(code)
    await mkdir(code)
    expect(codeFolder(root)).toBe(code)
  })

  it.each<[string, () => Promise<void>]>([
    ['there is no store', () => rm(root, { recursive: true })],
    ['others may write to the store', () => chmod(root, 0o777)],
    ["the store is somebody else's", () => lchown(root, NOBODY, NOBODY)],
    ['others may write to the folder', () => mkdir(code).then(() => chmod(code, 0o777))],
    ["the folder is somebody else's", () => mkdir(code).then(() => lchown(code, NOBODY, NOBODY))],
    ['the folder is a symlink', () => symlink('/tmp', code)],
    ['the folder is a file', () => writeFile(code, '')],
    ['nobody can say what the store is', () => rm(root, { recursive: true }).then(() => symlink('store', root))],
  ])('is nowhere when %s', async (_, change) => {
    await change()
    expect(codeFolder(root)).toBeUndefined()
  })
})
