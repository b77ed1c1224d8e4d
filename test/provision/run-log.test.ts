import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { RunLog } from '../../src/provision/run-log.ts'
import { testFolder } from '../support/folder.ts'

it('is not mixed with that of another build of the same spec', async () => {
  const path = join(await testFolder(), 'logs/app-step-1.log')
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`)
  const first = new RunLog(path)
  for (const line of lines) first.add(line)
  const second = new RunLog(path)
  for (const line of lines) first.add(line)
  second.add('second')
  first.close()
  second.close()
  expect(readFileSync(path, 'utf8')).toBe('second\n')
})

it.each([
  [9, '', 9],
  [10, '', 10],
  [31, '', 31],
  [32, '[lines left out here: 1]\n', 31],
  [5000, '[lines left out here: 4969]\n', 31],
])('of %i lines has the first that fit and the last 20, and says so', async (count, leftOut, kept) => {
  const path = join(await testFolder(), 'logs/app-step-1.log')
  const log = new RunLog(path, 100)
  const lines = Array.from({ length: count }, (_, i) => `line ${String(i).padStart(4, '0')}\n`)
  for (const line of lines) log.add(line.trimEnd())
  log.close()
  const shown = [...lines.slice(0, 11), leftOut, ...lines.slice(Math.max(11, count - 20))].join('')
  expect(readFileSync(path, 'utf8')).toBe(shown)
  expect(shown.match(/^line/gm)).toHaveLength(kept)
})
