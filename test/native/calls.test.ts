/** Needs root and a C compiler. Each family of system calls, with its errors: test/native/calls/*.c */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import type { Tree } from '../../src/oci/node.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'
import { copyOf } from '../support/host-programs.ts'
import { sameOutcomes } from '../support/same-outcomes.ts'

const SOURCES = join(import.meta.dirname, 'calls')
const FAMILIES = [
  ...['opening', 'looking', 'owning', 'changing', 'naming', 'removing', 'long paths', 'attributes', 'lists'],
  ...['becoming', 'capabilities', 'executing', 'scripts', 'processes', 'threads', 'signals', 'sockets', 'proc'],
  ...['refused', 'watching', 'rooms', 'devices'],
]
// One that hangs must not hang the others.
const cases = Object.fromEntries(FAMILIES.map((family) => [family, `cd /opt; timeout -s KILL 60 /calls "${family}"`]))

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'ocibake-calls-'))
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'))
  const options = ['-std=gnu11', '-O1', '-w', '-static', '-pthread', '-o', join(home, 'calls')]
  execFileSync(process.env.CC ?? 'cc', [...options, ...sources], { cwd: SOURCES })
})
afterAll(() => rmSync(home, { recursive: true }))

const withMore = (tree: Tree) => apply(tree, placeAt('/calls', copyOf(join(home, 'calls'))))

// Who is not root works in folders that are his to write to.
describe.each([
  ['root', 0o755],
  ['core', 0o777],
])('as %s, every call ends the same', (user, mode) => sameOutcomes(cases, () => ({ withMore, user, mode })))
