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
