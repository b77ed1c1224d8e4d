/** Needs root, to become an ordinary user, who needs user namespaces for the first of the two. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { AS_NOBODY, folderOfNobody } from '../support/ordinary-user.ts'

const VITEST = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')

/** What is said there of the sandbox for root holds, word for word, for those of an ordinary user. */
const TESTS = [
  'test/provision/run.test.ts',
  'test/provision/read-back.test.ts',
  'test/provision/kept-roots.test.ts',
  'test/native/isolation.test.ts',
  'test/native/processes.test.ts',
  'test/native/agent.test.ts',
]

test.skipIf(process.env.OCIBAKE_TEST_SANDBOX !== undefined).each([
  ['in user namespaces', 'userns'],
  ['with nothing but ptrace', 'ptrace'],
])(
  'every test of the root sandbox passes %s, for nobody, with no new privileges',
  async (_, sandbox) => {
    const home = await folderOfNobody()
    const [program, ...args] = [...AS_NOBODY, process.execPath, VITEST, 'run', '--configLoader', 'runner', ...TESTS]
    const env = { HOME: home, TMPDIR: home, OCIBAKE_TEST_SANDBOX: sandbox, NO_COLOR: '1' }
    const { exitCode, all } = await execa(program!, args, { env, all: true, reject: false })
    await rm(home, { recursive: true })
    expect(exitCode, all).toBe(0)
  },
  300_000,
)
