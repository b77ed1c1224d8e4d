import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { availableMemory } from 'node:process'
import { expect, it } from 'vitest'
import { refuseLittleRoom, stateFolder } from '../../bench/state-folder.ts'
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

it('refuses a folder that has no room for what is going to be there', async () => {
  const folder = await testFolder()
  await refuseLittleRoom(folder, 1, 'A byte')
  const all = refuseLittleRoom(folder, 1e18, 'A layer')
  await expect(all).rejects.toThrow(
    /^A layer takes 1000000000 GB in .*, where \d+ GB are free\. Name another with --state\.$/,
  )
})

it('does not believe a filesystem in memory that there is more room than memory', async () => {
  const all = refuseLittleRoom('/dev/shm', availableMemory() + 1e9, 'A layer')
  await expect(all).rejects.toThrow(/in \/dev\/shm, where \d+ GB are free/)
})
