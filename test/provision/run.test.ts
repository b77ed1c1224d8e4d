/** Needs root and Debian's busybox-static and libcap2-bin. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { nodeAt, placeAt } from '../../src/oci/tree-paths.ts'
import { without } from '../../src/provision/edit.ts'
import { withPrograms } from '../support/host-programs.ts'
import { at, Bench, file, folder, smallRoot } from '../support/small-root.ts'

let bench: Bench
const root = smallRoot()

beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})
beforeEach(() => {
  bench.events.length = 0
})

describe('the script', () => {
  test('is one, so that cd and variables persist', async () => {
    await bench.run(root, ['cd /etc', 'x=1', 'pwd', 'echo $x'])
    expect(bench.lines()).toEqual(['/etc', '1'])
  })

  test('ends at the first command that fails', async () => {
    await expect(bench.run(root, ['false', 'echo not reached'])).rejects.toMatchObject({ code: 'RUN_FAILED' })
    expect(bench.lines()).toEqual([])
  })

  test('is an argument of a shell that ends in -c', async () => {
    await bench.run(root, { run: ['echo "$0 $*"', 'echo two'], shell: ['/bin/sh', '-e', '-c'] })
    expect(bench.lines()).toEqual(['/bin/sh ', 'two'])
  })

  test('may bring its own interpreter', async () => {
    await bench.run(root, { run: '#!/bin/cat\nsecond line' })
    expect(bench.lines()).toEqual(['#!/bin/cat', 'second line'])
  })

  test('may be long, unless it has to be an argument', async () => {
    const run = [...Array.from({ length: 20_000 }, (_, i) => `: line ${i}`), 'echo end']
    await bench.run(root, run)
    expect(bench.lines()).toEqual(['end'])
    await expect(bench.run(root, { run, shell: ['/bin/sh', '-c'] })).rejects.toMatchObject({ code: 'SPEC_INVALID' })
  })

  test('reads nothing', async () => {
    await bench.run(root, 'cat; cat /dev/stdin; ! read x; echo done')
    expect(bench.lines()).toEqual(['done'])
  })

  test('may open its output by name, as any user', async () => {
    await bench.run(root, {
      run: 'echo out > /dev/stdout; echo err > /dev/stderr; echo x | tee /dev/fd/2',
      user: 'core',
    })
    expect(bench.lines('stdout').sort()).toEqual(['out', 'x'])
    expect(bench.lines('stderr').sort()).toEqual(['err', 'x'])
  })

  test("has a /tmp for the run where the image has none, and the image's own where it has one", async () => {
    const none = without(root, 'tmp')
    expect(nodeAt(await bench.run(none, 'echo x > /tmp/x; stat -c %a /tmp; mktemp > /dev/null'), 'tmp')).toBeUndefined()
    expect(bench.lines()).toEqual(['1777'])
    const own = apply(none, placeAt('tmp', folder({ left: file('here') })))
    expect(nodeAt(await bench.run(own, 'cat /tmp/left; echo y > /tmp/kept'), 'tmp/kept')).toBeDefined()
    expect(bench.lines()).toEqual(['1777', 'here'])
  })

  test('runs with the same limits and mask everywhere', async () => {
    const before = process.umask(0o077)
    await bench.run(root, 'umask; ulimit -n; ulimit -c').finally(() => process.umask(before))
    expect(bench.lines()).toEqual(['0022', '1024', '0'])
  })
})

describe('the environment', () => {
  test('is PATH and HOME, and then the base, proxies, the step, each over the one before', async () => {
    const baseEnv = { BASE: 'b', LANG: 'C.UTF-8', both: 'base' }
    const proxyEnv = { http_proxy: 'http://proxy.example:3128', both: 'proxy' }
    const step = { run: 'env', shell: ['/bin/busybox', 'sh'], env: { both: 'step', EMPTY: '' } }
    await bench.run(root, step, { baseEnv, proxyEnv })
    expect(
      bench
        .lines()
        .filter((line) => !/^(SHLVL|PWD)=/.test(line))
        .sort(),
    ).toEqual([
      'BASE=b',
      'EMPTY=',
      'HOME=/root',
      'LANG=C.UTF-8',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'both=step',
      'http_proxy=http://proxy.example:3128',
    ])
  })

  test('of a user has his home, groups and nothing of root', async () => {
    await bench.run(root, { run: 'id -u; id -g; id -G; echo $HOME; ! touch /x 2> /dev/null', user: 'core' })
    expect(bench.lines()).toEqual(['65100', '1000', '1000 4 44', '/home/core'])
  })

  test('has the working directory of the step, or of the base', async () => {
    await bench.run(root, { run: 'pwd', workdir: '/etc' }, { baseWorkdir: '/tmp' })
    await bench.run(root, 'pwd', { baseWorkdir: '/tmp' })
    await bench.run(root, 'pwd', { baseWorkdir: '' })
    expect(bench.lines()).toEqual(['/etc', '/tmp', '/'])
  })
})

describe('a failure', () => {
  test('says command, exit code, the last lines, and where the rest is', async () => {
    const failed = bench.run(root, [
      '# first',
      'for i in $(seq 30); do echo line $i; done || true',
      'printf "\\033[31mred\\033[0m\\n"',
      'exit 42',
    ])
    await expect(failed).rejects.toMatchObject({
      code: 'RUN_FAILED',
      hint: expect.stringMatching(`^The whole output: ${bench.logFile}\nWith 'set -x'`),
    })
    const error = (await failed.catch((thrown: Error) => thrown)) as Error
    expect(error.message).toContain("exit 42' ended with exit code 42.")
    expect(error.message).toMatch(/\n {2}red$/)
    expect(readFileSync(bench.logFile, 'utf8')).toContain('\x1b[31mred')
  })

  test('keeps twenty lines', async () => {
    const failed = bench.run(root, 'yes | head -n 100 | cat -n; exit 1')
    const { message } = (await failed.catch((thrown: Error) => thrown)) as Error
    expect(message.split('\n').length).toBe(21)
    expect(message).toMatch(/ 100\ty$/m)
    expect(message).not.toMatch(/ 80\ty$/m)
  })

  test.each([
    ['no such shell', { run: 'true', shell: ['/bin/nosuch'] }, /execve \/bin\/nosuch: No such file/],
    ['no such folder', { run: 'true', workdir: '/nosuch' }, /chdir \/nosuch: No such file/],
    ['a shell that is no program', { run: 'true', shell: ['/etc/passwd'] }, /execve \/etc\/passwd: Permission denied/],
    ['no such user', { run: 'true', user: 'nosuch' }, /no user 'nosuch'/],
    ['a signal', { run: 'kill -ABRT $$' }, /was ended by SIGABRT, and said nothing/],
    ['an exit code that could be a signal', { run: 'exit 137' }, /ended with exit code 137/],
  ])('tells what it was: %s', async (_, step, message) => {
    await expect(bench.run(root, step)).rejects.toThrow(message)
  })

  test('leaves the sandbox usable', async () => {
    await expect(bench.run(root, 'exit 1')).rejects.toMatchObject({ code: 'RUN_FAILED' })
    expect(await bench.run(root, 'true')).toBe(root)
  })
})

describe('secrets', () => {
  const pem = '-----BEGIN-----\nsecret-first-line\nsecret-second-line\n-----END-----\n'

  test('are files of the user, gone afterwards, and *** wherever they are printed', async () => {
    const source = join(bench.home, 'key.pem')
    await writeFile(source, pem)
    const step = {
      run: [
        'stat -c "%a %u %n" /run/secrets/key',
        'cat /run/secrets/key',
        'echo "v=$TOKEN" >&2',
        '! echo x > /run/secrets/key',
        'cp /run/secrets/key /tmp',
      ],
      user: 'core',
      secrets: [
        { id: 'key', source: `file:${source}` },
        { id: 'token', source: 'env:CI_TOKEN', env: 'TOKEN' },
      ],
    }
    const after = await bench.run(root, step, { env: { CI_TOKEN: 'hunter2' } })
    expect(bench.lines('stdout')).toEqual(['400 65100 /run/secrets/key', '***', '***', '***', '***'])
    expect(bench.lines('stderr')[0]).toBe('v=***')
    expect(readFileSync(bench.logFile, 'utf8')).not.toMatch(/secret-|hunter2/)
    expect(at(after, 'run')).toBeUndefined()
    expect(after.attrs).toBe(root.attrs)
    expect(at(after, 'tmp/key')).toMatchObject({ kind: 'file' })
  })

  test('may lie anywhere, over a file of the image too', async () => {
    const tree = smallRoot({ root: folder({ '.npmrc': file('of the image') }) })
    const step = {
      run: 'cat /root/.npmrc /home/a/b/c',
      secrets: [
        { id: 'a', source: 'env:A', file: '/root/.npmrc' },
        { id: 'b', source: 'env:B', file: '/home/a/b/c' },
      ],
    }
    expect(await bench.run(tree, step, { env: { A: 'one', B: 'two' } })).toBe(tree)
    expect(bench.lines()).toEqual(['******'])
  })

  test('do not show in a failure', async () => {
    const step = { run: 'echo hunter2; echo $T; exit 1', secrets: [{ id: 't', source: 'env:T', env: 'T' }] }
    const error = await bench.run(root, step, { env: { T: 'hunter2' } }).catch((thrown: Error) => thrown)
    expect((error as Error).message).not.toContain('hunter2')
  })

  test('that are not there are an error that names the variable and no value', async () => {
    const step = { run: 'true', secrets: [{ id: 't', source: 'env:NOT_SET' }] }
    await expect(bench.run(root, step)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('NOT_SET'),
    })
  })

  test('what a script puts beside them stays', async () => {
    const step = { run: 'echo mine > /run/secrets/mine', secrets: [{ id: 't', source: 'env:T' }] }
    const after = await bench.run(root, step, { env: { T: 'x' } })
    expect([...(at(after, 'run/secrets') as typeof root).children.keys()]).toEqual(['mine'])
  })
})

test('file capabilities that a script sets arrive', async () => {
  const tree = withPrograms(root, '/sbin/setcap')
  const after = await bench.run(tree, 'cp /bin/busybox /bin/ping2; /sbin/setcap cap_net_raw+ep /bin/ping2')
  const node = at(after, 'bin/ping2')
  expect(node).toMatchObject({ attrs: { mode: 0o755 } })
  const xattrs = node?.kind === 'file' ? node.attrs.xattrs : new Map()
  expect([...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')])).toEqual([
    ['security.capability', '0100000200200000000000000000000000000000'],
  ])
})
