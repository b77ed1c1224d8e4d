/** Needs root, Debian's busybox-static and perl-base. What a script can see of the host, and do to it. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Node, Tree } from '../../src/oci/node.ts'
import { withPrograms } from '../support/host-programs.ts'
import { at, attrs, BACKEND, Bench, file, folder, smallRoot, symlink } from '../support/small-root.ts'

let bench: Bench
let outside: string
let server: Server
const root = withPrograms(smallRoot(), '/usr/bin/perl')

beforeAll(async () => {
  bench = await Bench.open()
  outside = await mkdtemp(join(tmpdir(), 'ocibake-outside-'))
  await writeFile(join(outside, 'secret'), 'of the host')
  process.env.OCIBAKE_TEST_TOKEN = 'token-of-the-host'
  server = createServer((_, response) => response.end('served')).listen(0, '127.0.0.1')
})
afterAll(async () => {
  delete process.env.OCIBAKE_TEST_TOKEN
  server.close()
  await bench[Symbol.asyncDispose]()
  await rm(outside, { recursive: true })
})
beforeEach(() => {
  bench.events.length = 0
})

/** What the script says, whether or not it succeeds. */
async function says(script: string, tree: Tree = root): Promise<string> {
  await bench.run(tree, { run: script, shell: ['/bin/sh'] }).catch(() => {})
  return bench.lines().join('\n')
}

describe('of the host a script', () => {
  test('sees no process', async () => {
    const pids = await says('ls /proc | grep ^[0-9]')
    // Without a pid namespace they have the host's numbers.
    if (BACKEND.name !== 'ptrace') expect(pids.split('\n').slice(0, 2)).toEqual(['1', '2'])
    expect(pids.split('\n').length).toBeLessThan(5)
  })

  test('sees no argument, environment or file of the one process of ours', async () => {
    const seen = await says(
      `cat /proc/1/cmdline /proc/1/environ; ls /proc/1/root/ /proc/1/cwd/ /proc/1/fd/; readlink /proc/1/exe`,
    )
    expect(seen).not.toContain('ocibake')
    expect(seen).not.toContain(tmpdir())
    expect(seen).not.toContain('secret')
  })

  test('inherits no variable', async () => {
    const seen = await says('env; cat /proc/*/environ')
    expect(seen).not.toContain('token-of-the-host')
    expect(
      bench
        .lines()
        .filter((line) => /^\w+=/.test(line))
        .map((line) => line.split('=')[0])
        .sort(),
    ).toEqual(expect.arrayContaining(['HOME', 'PATH', 'PWD', 'SHLVL']))
  })

  test('sees no name and no descriptor', async () => {
    expect(await says('hostname; ls /proc/self/fd')).toMatch(/^ocibake\n0\n1\n2\n3$/)
    expect(hostname()).not.toBe('ocibake')
  })

  test('sees none of its mounts', async () => {
    const mounts = await says('cat /proc/self/mounts')
    expect(mounts.split('\n').map((line) => line.split(' ')[1])).toEqual(
      expect.arrayContaining(['/', '/proc', '/sys', '/dev', '/dev/pts', '/dev/shm', '/etc/hosts', '/etc/resolv.conf']),
    )
    expect(await says('ls /sys/fs/cgroup')).toBe(mounts)
    expect(mounts).not.toContain(tmpdir())
  })

  test('has resolv.conf and hosts, read-only, and neither is in the tree', async () => {
    const after = await bench.run(root, 'cat /etc/resolv.conf; ! echo x 2>/dev/null > /etc/hosts')
    expect(`${bench.lines().join('\n')}\n`).toBe(readFileSync('/etc/resolv.conf', 'utf8'))
    expect(after).toBe(root)
  })

  test('has no terminal', async () => {
    expect(await says('echo x > /dev/tty')).toMatch(/No such device or address/)
  })
})

describe('no script gets out by', () => {
  const escapes: [string, string][] = [
    [
      'chroot and ..',
      'perl -e \'mkdir "/x"; chroot "/x" or die; chdir ".." for 1..99; chroot "." or die; opendir D, "/"; print join "\\n", readdir D\'',
    ],
    ['/proc/1/root', 'ls /proc/1/root/ /proc/1/cwd/'],
    [
      'a mount',
      'mkdir -p /m; mount -t proc p /m; mount -t tmpfs t /m; mount -o remount,dev,bind / /; umount /proc/sys; umount /dev',
    ],
    [
      'a handle of a host file',
      `perl -e 'my $h = pack("II", 8, 1) . pack("QQ", ${statSync('/').ino}, 0); open D, "</"; print STDERR (syscall(304, fileno(D), $h, 0) < 0 ? "refused: $!" : "opened")'`,
    ],
    [
      'another namespace',
      'perl -e \'open N, "</proc/1/ns/mnt" or die "closed: $!"; syscall(308, fileno(N), 0); \'; ls /home',
    ],
  ]
  test.each(escapes)('%s', async (_, script) => {
    const seen = await says(script)
    expect(seen.split('\n')).not.toContain('home')
    expect(seen).not.toContain('opened')
    expect(seen).not.toBe('')
    expect(readdirSync('/')).toContain('home')
  })

  test('a device node of the disk: it can be made, kept, and never opened', async () => {
    const after = await bench.run(root, {
      run: 'mknod /disk b 254 0; mknod /null2 c 1 3; ! head -c 1 /disk || exit 1; ! echo x > /null2',
      shell: ['/bin/sh'],
    })
    expect(at(after, 'disk')).toMatchObject({ type: 'block', major: 254 })
    expect(bench.lines().join()).toMatch(/Permission denied/)
  })
})

describe('no script changes the host by', () => {
  test.each([
    ['core_pattern', 'echo x > /proc/sys/kernel/core_pattern', '/proc/sys/kernel/core_pattern'],
    ['the host name', 'hostname evil', '/proc/sys/kernel/hostname'],
  ])('%s', async (_, script, watched) => {
    const before = readFileSync(watched)
    expect(await says(script)).toMatch(/Read-only|not permitted|denied/)
    expect(readFileSync(watched)).toEqual(before)
  })

  test.each([
    ['the clock', 'date -s 2001-01-01 2>&1 | grep not.permitted && false'],
    ['sysrq', 'echo b > /proc/sysrq-trigger'],
    ['/sys', 'echo 1 > /sys/kernel/profiling'],
    ['the kernel log', 'perl -e \'my $b = "x" x 64; syscall(103, 3, $b, 64) >= 0 or die $!\''],
  ])('%s', async (_, script) => {
    expect(await says(`${script} && echo DONE`)).toMatch(/Read-only|not permitted|denied|nonexistent/)
    expect(bench.lines()).not.toContain('DONE')
  })

  test('its own /dev', async () => {
    const before = statSync('/dev/null')
    expect(await says('chmod 600 /dev/null; rm /dev/zero; chown 7:7 /dev/full; ls -l /dev/null')).toContain(
      'crw-------',
    )
    expect(statSync('/dev/null')).toMatchObject({ mode: before.mode, uid: before.uid })
    expect(statSync('/dev/full')).toMatchObject({ uid: 0 })
  })

  test('removing everything', async () => {
    await bench.run(root, { run: 'rm -rf / /* 2> /dev/null; :', shell: ['/bin/sh'] })
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('of the host')
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })
})

describe('a hostile root', () => {
  const fifo: Node = { kind: 'special', attrs: attrs(), type: 'fifo', major: 0, minor: 0 }
  const { bin, etc } = { bin: root.children.get('bin')!, etc: root.children.get('etc')! }
  const check = 'test -e /proc/self && test -c /dev/null && cat /etc/resolv.conf > /dev/null && cat /run/secrets/s'
  const hostile: [string, (away: string) => Record<string, Node>][] = [
    ['/etc -> outside', (away) => ({ etc: symlink(away) })],
    ['/etc -> ../../.. outside', (away) => ({ etc: symlink(`../../../../../..${away}`) })],
    ['/dev -> outside', (away) => ({ dev: symlink(away) })],
    ['/proc and /sys -> outside', (away) => ({ proc: symlink(away), sys: symlink(`${away}/sys`) })],
    ['/run -> outside', (away) => ({ run: symlink(away) })],
    ['/etc/resolv.conf -> dangling', () => ({ etc: folder({ 'resolv.conf': symlink('../run/systemd/resolve/x') }) })],
    ['/etc/resolv.conf -> outside', (away) => ({ etc: folder({ 'resolv.conf': symlink(`${away}/secret`) }) })],
    ['/etc/resolv.conf and hosts fifos', () => ({ etc: folder({ 'resolv.conf': fifo, hosts: fifo, passwd: fifo }) })],
    ['/run/secrets -> outside', (away) => ({ run: folder({ secrets: symlink(away) }) })],
    ['/dev -> /proc', () => ({ dev: symlink('/elsewhere'), elsewhere: folder({}) })],
    ['/dev with files', () => ({ dev: folder({ null: file('no device'), ptmx: symlink('/etc/passwd') }) })],
    ['/etc/hosts -> /proc/self/root', () => ({ etc: folder({ hosts: symlink('/proc/self/root/etc/x') }) })],
  ]
  test.each(hostile)('%s: works, nothing outside changes, and the tree stays the same', async (_, more) => {
    const tree = folder({ bin, etc, tmp: folder({}), ...more(outside) }) as Tree
    const source = { id: 's', source: 'env:S' }
    const after = await bench.run(tree, { run: check, secrets: [source] }, { env: { S: 'shh' } })
    expect(bench.lines()).toEqual(['***'])
    expect(after).toBe(tree)
    expect(readdirSync(outside)).toEqual(['secret'])
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('of the host')
  })

  test.each([
    ['an absolute symlink out', (away: string) => away, '/way'],
    ['a symlink with many ..', (away: string) => `../../../../../..${away}`, '/way'],
    ['an open descriptor', () => '/proc/self/fd/3', '/way'],
    ['another process', () => '/proc/1/cwd', '/way'],
    ['dots', (away: string) => away, '/../../../../../../../../proc/1/root'],
  ])('with a working folder that is %s shows nothing of the host', async (_, target, workdir) => {
    const tree = folder({ bin, etc, tmp: folder({}), way: symlink(target(outside)) }) as Tree
    const script = { run: 'ls; cat secret', shell: ['/bin/sh', '-c'], workdir }
    await expect(bench.run(tree, script)).rejects.toMatchObject({ code: 'RUN_FAILED' })
    expect(bench.lines().join()).not.toMatch(/of the host|(^|,)secret/)
  })

  test.each([
    ['/proc is a file', { proc: file('') }],
    ['/proc -> /', { proc: symlink('/') }],
    ['/dev -> itself', { dev: symlink('dev') }],
  ])('%s: is refused by name', async (_, more) => {
    const tree = folder({ bin, etc, ...more }) as Tree
    await expect(bench.run(tree, 'true')).rejects.toThrow(/mount point \/(proc|dev)/)
  })

  test('that is a shell and nothing else works, and has nothing else afterwards', async () => {
    const tree = folder({ bin }) as Tree
    const source = { id: 's', source: 'env:S' }
    const after = await bench.run(tree, { run: check, secrets: [source] }, { env: { S: 'shh' } })
    expect(after).toBe(tree)
  })

  test('a folder in the place of resolv.conf is left alone', async () => {
    const tree = folder({ bin, etc: folder({ 'resolv.conf': folder({}) }) }) as Tree
    expect(await bench.run(tree, 'test -d /etc/resolv.conf')).toBe(tree)
  })
})

describe('the network', () => {
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

  test("is the host's", async () => {
    await bench.run(root, `wget -q -O - ${url()}`)
    expect(bench.lines()).toEqual(['served'])
  })

  test('is nothing at all, not even loopback, when it is none', async () => {
    const script = `! wget -q -T 5 -O - ${url()} 2>/dev/null; cat /proc/net/dev | grep -c :; ls /sys/class/net`
    const after = await bench.run(root, { run: script, network: 'none' })
    expect(bench.lines()).toEqual(['1', 'lo'])
    expect(after).toBe(root)
  })
})

test('a script waits for no disk: what would, does nothing', async () => {
  // fsync, fdatasync, sync_file_range, syncfs: performed, each refuses a descriptor that is not open. And msync, which is
  // performed: it refuses memory that is not there.
  const { syncs, msync } =
    process.arch === 'x64' ? { syncs: '74, 75, 277, 306', msync: 26 } : { syncs: '82, 83, 84, 267', msync: 227 }
  const script = `perl -e 'print syscall($_, 99, 0, 0, 0), "\\n" for ${syncs}; print syscall(${msync}, 4096, 4096, 1)'; sync`
  expect(await says(script)).toBe('0\n0\n0\n0\n-1')
})
