import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stateFolder } from '../../bench/state-folder.ts'
import { testFolder } from '../support/folder.ts'

it('takes a new folder, an empty one, and one of its own', async () => {
  const folder = await testFolder()
  const state = join(folder, 'new')
  await stateFolder(state)
  writeFileSync(join(state, 'results.jsonl'), '')
  await stateFolder(state)
  await stateFolder(await testFolder())
})

it('leaves a folder of somebody else alone', async () => {
  const folder = await testFolder()
  writeFileSync(join(folder, 'work'), 'of somebody else')
  await expect(stateFolder(folder)).rejects.toThrow('is not empty')
  expect(readdirSync(folder)).toEqual(['work'])
})
