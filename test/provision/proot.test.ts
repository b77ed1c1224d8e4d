/** Needs Debian's proot, which is too old, and a mirror that has a newer one; without that half of this is skipped. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Tree } from '../../src/oci/node.ts'
import { EMPTY } from '../../src/oci/node.ts'
import { ansible } from '../../src/provision/ansible.ts'
import { chooseSandbox } from '../../src/provision/choose-sandbox.ts'
import { normalise } from '../../src/provision/normalisers.ts'
import { findProot } from '../../src/provision/proot-program.ts'
import { RootKeeper } from '../../src/provision/root-keeper.ts'
import { run } from '../../src/provision/run.ts'
import type { Sandbox } from '../../src/provision/sandbox.ts'
import { prootArguments, prootBackend } from '../../src/provision/sandbox-proot.ts'
import type { RunStep } from '../../src/provision/step.ts'
import { Bakery } from '../support/bakery.ts'
import { describedTree } from '../support/described-tree.ts'
import { newerProot } from '../support/newer-proot.ts'
import { at, attrs, Bench, file, folder, NEWEST, smallRoot } from '../support/small-root.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

const PATH = '/usr/bin:/bin'

describe('proot', () => {
  it('is refused where it was not allowed, whatever it can do', async () => {
    const wishes = { env: { PATH }, allowInexactOwnership: false }
    const choosing = chooseSandbox('proot', wishes, bench.store, () => {})
    await expect(choosing).rejects.toMatchObject({
      code: 'SANDBOX_UNAVAILABLE',
      hint: expect.stringContaining('Add --allow-inexact-ownership.'),
    })
  })

  it('is not looked for where an exact sandbox works, even if it is allowed', async () => {
    const wishes = { env: { PATH: '/nowhere' }, allowInexactOwnership: true }
    expect(await chooseSandbox('auto', wishes, bench.store, () => {})).toMatchObject({ name: bench.sandbox.name })
  })

  it('of Debian 12 is refused, being 5.1.0', async () => {
    expect(await findProot(bench.home, { PATH })).toEqual({
      missing: '/usr/bin/proot is 5.1.0; before 5.4 it shows scripts the files of the host',
      hint: expect.stringContaining('5.4 or newer'),
    })
  })

  it.each([
    ['proot', '/nowhere'],
    ['setpriv', '/onlyproot'],
  ])('is refused without %s on the PATH', async (program, path) => {
    const place = join(bench.home, 'bin')
    await mkdir(place)
    if (path === '/onlyproot') await symlink('/usr/bin/proot', join(place, 'proot'))
    const refused = await findProot(bench.home, { PATH: place })
    expect(refused).toMatchObject({ missing: expect.stringMatching(new RegExp(`^There is no ${program} on the PATH`)) })
  })

  it('is told the root, who the script is, and what is shown there, and ends with us', () => {
    const command = { argv: ['/bin/sh', '-e', '/dev/ocibake/script'], uid: 65100, gid: 1000, workdir: '/srv' }
    const bindings = new Map([
      ['/tmp/x/dev', '/dev'],
      ['/proc', '/proc'],
    ])
    expect(prootArguments({ proot: '/usr/bin/proot' }, '/tmp/x/root', command, bindings)).toEqual([
      ...['--pdeathsig', 'QUIT', '--', '/usr/bin/proot', '--kill-on-exit'],
      ...['-r', '/tmp/x/root', '-i', '65100:1000', '-w', '/srv', '-b', '/tmp/x/dev:/dev', '-b', '/proc:/proc'],
      ...['/bin/sh', '-e', '/dev/ocibake/script'],
    ])
    const colon = new Map([['/tmp/a:b', '/dev']])
    expect(() => prootArguments({ proot: '/p' }, '/r', command, colon)).toThrow(/colon/)
  })
})

const newer = await newerProot()

describe.skipIf(newer === undefined)('proot 5.4', { timeout: 60_000 }, () => {
  let proot: Sandbox
  beforeEach(async () => {
    const env = { PATH: `${newer}:${PATH}` }
    const found = await prootBackend({ env, allowInexactOwnership: true }).probe(bench.home, () => {})
    if (!('run' in found)) throw new Error(found.missing)
    proot = found
  })

  const runThere = (tree: Tree, step: RunStep, roots?: RootKeeper) =>
    run(tree, step, { ...bench.tools(), sandbox: async () => proot, ...(roots && { roots }) })

  const root = () =>
    smallRoot({
      srv: folder({
        changed: file('old', { uid: 8, gid: 9 }),
        closed: folder({ within: file('in', { uid: 5, gid: 6 }) }, { uid: 1, gid: 2 }),
        idle: file('idle', { uid: 65100, gid: 1000, mode: 0o4750 }),
        moded: file('moded', { uid: 3, gid: 4, mode: 0o600 }),
      }),
      dev: folder({ x: { kind: 'special', type: 'character', major: 1, minor: 3, attrs: attrs() } }),
    })

  it('keeps what a script did not touch, and owners of what is still there; what is new is 0:0', async () => {
    const before = root()
    const script = `
      id -u; cat /etc/hosts | grep -c ocibake; ls /srv; ls /usr 2>&1 || true; echo "$PROOT_NO_SECCOMP"
      echo more >> /srv/changed; chmod 4755 /srv/moded; chmod 000 /srv/closed
      echo new > /srv/new; chown 33:34 /srv/new; ln -s new /srv/link; echo x > /dev/null; cat < /proc/self/stat > /dev/null`
    const after = await runThere(before, { run: script })
    const said = bench.lines('stdout')
    expect(said.slice(0, 2)).toEqual(['0', '1'])
    expect(bench.lines().join('\n')).toContain('/usr: No such file or directory')
    const of = (path: string) => (at(after, path) as { attrs: { uid: number; gid: number; mode: number } }).attrs
    expect(at(after, 'srv/idle')).toBe(at(before, 'srv/idle'))
    expect(at(after, 'dev')).toBe(at(before, 'dev'))
    expect(at(after, 'srv/closed/within')).toBe(at(before, 'srv/closed/within'))
    expect(of('srv/changed')).toMatchObject({ uid: 8, gid: 9, mode: 0o644 })
    expect(of('srv/moded')).toMatchObject({ uid: 3, gid: 4, mode: 0o4755 })
    expect(of('srv/closed')).toMatchObject({ uid: 1, gid: 2, mode: 0 })
    expect(of('srv/new')).toMatchObject({ uid: 0, gid: 0, mode: 0o644 })
    expect(at(after, 'srv/link')).toMatchObject({ kind: 'symlink' })
    expect(at(after, 'tmp')).toBe(at(before, 'tmp'))
  })

  it('gives the next script what it would find in a root that is laid out anew', async () => {
    const first = {
      run: 'chmod 4755 /srv/moded; chmod 000 /srv/closed; mkdir -m 2775 /srv/made; echo x > /srv/made/file',
    }
    const second = { run: 'stat -c "%n %a %s" /srv /srv/* /srv/*/*; touch /srv/closed/more' }
    await using roots = new RootKeeper(bench.store)
    const kept = await runThere(await runThere(root(), first, roots), second, roots)
    const anew = await runThere(await runThere(root(), first), second)
    const lines = bench.lines('stdout')
    expect(lines.slice(0, lines.length / 2)).toEqual(lines.slice(lines.length / 2))
    const clamped = { created: NEWEST, base: EMPTY }
    const described = async (tree: Tree) => describedTree(await normalise(tree, clamped, {}))
    expect(await described(kept)).toEqual(await described(anew))
  })

  it('has playbooks performed in it, one agent for all tasks', async () => {
    const [spec, playbook] = [join(bench.home, 'spec'), join(bench.home, 'spec/site.yml')]
    await mkdir(spec, { recursive: true })
    const tasks = ['{ raw: sleep 1000 & }', '{ raw: id -u > /tmp/id, become: true, become_user: core }']
    await writeFile(playbook, `- { hosts: all, gather_facts: false, tasks: [${tasks.join(', ')}] }\n`)
    const tools = { ...bench.tools({ folder: spec, env: { PATH } }), sandbox: async () => proot }
    const after = await ansible(root(), { ansible: playbook }, tools)
    expect([...(at(after, 'tmp') as Tree).children.keys()]).toEqual(['id'])
  })

  it('warns of every build, from the cache too, and what it makes is never taken for exact', async () => {
    const bakery = await Bakery.open()
    onTestFinished(() => bakery.close())
    const fields = { from: bakery.base, steps: [{ run: 'touch /srv/x; /bin/busybox chown 33:34 /srv/x' }] }
    const args = ['--sandbox', 'proot', '--allow-inexact-ownership', '-o', 'oci:inexact:1']
    const env = { PATH: `${newer}:${process.env.PATH}` }
    const first = await bakery.build(fields, args, { env })
    const second = await bakery.build(fields, args, { env })
    expect(second.stderr).toContain('from the cache')
    for (const { code, stderr } of [first, second]) {
      expect(stderr).toContain('The sandbox proot loses owners')
      expect(code).toBe(0)
    }
    const exact = await bakery.buildHere(fields, 'oci:exact:1')
    expect(exact).not.toBe(first.stdout)
    expect(exact).toBe(await bakery.buildHere(fields, 'oci:alone:1', bakery.at('another-cache')))
  })

  it('has no way to take the network away, and says so', async () => {
    const running = runThere(root(), { run: 'true', network: 'none' })
    await expect(running).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' })
  })
})
