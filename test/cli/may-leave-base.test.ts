import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { mayLeaveBase } from '../../src/cli/may-leave-base.ts'
import { testFolder } from '../support/folder.ts'

it('sees that a spec may leave its base unread, whatever it is written in', async () => {
  const folder = await testFolder()
  const named = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return mayLeaveBase(join(folder, name))
  }
  expect(named('a.spec.ts', 'export default () => ({ readBase: false })')).toBe(true)
  expect(named('a.spec.json', '{"readBase":false}')).toBe(true)
  expect(named('b.spec.json', '{"from":"scratch"}')).toBe(false)
})

it('does not open what is no file: a pipe that nobody writes to would be waited for', async () => {
  const folder = await testFolder()
  execFileSync('mkfifo', [join(folder, 'pipe')])
  expect([join(folder, 'pipe'), folder, join(folder, 'none')].map(mayLeaveBase)).toEqual([false, false, false])
})
