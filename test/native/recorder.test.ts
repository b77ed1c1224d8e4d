/**
 * Needs root, Debian's busybox-static, perl-base, coreutils, libcap2-bin and attr. The sandbox of root is the measure:
 * what a script says in the others, and the tree that it leaves behind, have to be the same.
 */
import { describe, expect, test } from 'vitest'
import type { Tree } from '../../src/oci/node.ts'
import { ptraceBackend } from '../../src/provision/sandbox-ptrace.ts'
import { usernsBackend } from '../../src/provision/sandbox-userns.ts'
import { withPrograms } from '../support/host-programs.ts'
import { sameOutcomes } from '../support/same-outcomes.ts'
import { AS_CORE, AS_ROOT } from '../support/shell-cases.ts'
import { Bench, smallRoot } from '../support/small-root.ts'

const PROGRAMS = ['/usr/bin/perl', '/sbin/setcap', '/sbin/getcap', '/usr/bin/stat', '/usr/bin/cp', '/usr/bin/getfattr']
const MORE = ['/usr/bin/setfattr', '/usr/bin/install', '/usr/bin/touch', '/usr/bin/setpriv', '/usr/bin/chown']
const withMore = (tree: Tree) => withPrograms(tree, ...PROGRAMS, ...MORE)

describe.each([
  ['root', AS_ROOT],
  ['core', AS_CORE],
])('as %s, a script sees and leaves the same', (user, cases) => sameOutcomes(cases, () => ({ withMore, user })))

describe.each([usernsBackend, ptraceBackend])('in $name', (backend) => {
  test('what was changed and changed back is the same tree', async () => {
    await using bench = await Bench.open(backend)
    const tree = smallRoot()
    const run = [
      'cd /etc; chown 1 passwd; chown 0 passwd; chmod 0 passwd; chmod 644 passwd; touch -d @1699999000 passwd',
      'mv group n2; mv n2 group; touch -d @1699998000 /etc',
    ]
    expect(await bench.run(tree, { run, shell: ['/bin/sh'] })).toBe(tree)
  })
})
