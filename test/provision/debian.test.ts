import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Event } from '../../src/events.ts'
import { type DebianOptions, debianKey, debianTar } from '../../src/provision/debian.ts'
import { proxyVariables } from '../../src/provision/proxy-variables.ts'
import { runCli } from '../support/cli.ts'
import { madeDebian, SMALL_DEBIAN } from '../support/made-debian.ts'
import { AS_NOBODY, folderOfNobody } from '../support/ordinary-user.ts'

// Needs root, mmdebstrap and a Debian mirror that apt reaches.

const never = new AbortController().signal

let work = ''
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'ocibake-debian-test-'))
})
afterAll(() => rm(work, { recursive: true, force: true }))

async function make(name: string, options: DebianOptions, signal = never, events: Event[] = []) {
  const folder = join(work, name)
  await mkdir(folder, { mode: 0o700 })
  return debianTar(options, {
    folder,
    proxyEnv: proxyVariables(process.env),
    signal,
    report: (event) => events.push(event),
  })
}

describe('a Debian base', () => {
  test('has the same bytes under another login, umask, time zone and folder', { timeout: 300_000 }, async () => {
    const first = await madeDebian()
    const events: Event[] = []
    const before = { umask: process.umask(0o077), TZ: process.env.TZ, LANG: process.env.LANG, USER: process.env.USER }
    Object.assign(process.env, { TZ: 'Pacific/Apia', LANG: 'de_DE.UTF-8', USER: 'somebody' })
    const second = await make("it's another $(folder)", SMALL_DEBIAN, never, events).finally(() => {
      process.umask(before.umask)
      for (const name of ['TZ', 'LANG', 'USER'] as const) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    })
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['task-started', 'note', 'task-finished']))
    expect(second.key).toBe(first.key)
    expect(await digestOfFile(second.path)).toBe(await digestOfFile(first.path))
    expect(await debianKey(SMALL_DEBIAN, never)).toBe(first.key)
    await judge(first.path)
  })

  test('that is broken off leaves no process and no file but in its folder', { timeout: 60_000 }, async () => {
    const controller = new AbortController()
    const made = make('stopped', SMALL_DEBIAN, controller.signal, [])
    const inside = join(work, 'stopped')
    await expect.poll(() => readdir(inside)).toContainEqual(expect.stringMatching(/^mmdebstrap\./))
    controller.abort(new Error('enough'))
    await expect(made).rejects.toThrow('enough')
    await expect.poll(() => processesThatMention(inside)).toEqual([])
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(inside)
    await rm(inside, { recursive: true })
  })
})

test('an ordinary user without ids of his own is told how to get some', { timeout: 60_000 }, async () => {
  const folder = await folderOfNobody()
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'app.spec.json'), JSON.stringify({ from: { debian: 'bookworm' } }))
  const { code, stderr } = await runCli(['build', 'app.spec.json'], { cache: folder, cwd: folder, under: AS_NOBODY })
  expect(code, stderr).toBe(1)
  expect(stderr).toMatch(/^TOOL_FAILED\n(.*\n)+ {2}-> An ordinary user needs .*--add-subuids/m)
})

test('a disk that is too small for a base is said as such', { timeout: 60_000 }, async () => {
  const disk = join(work, 'small')
  await mkdir(disk)
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', disk])
  onTestFinished(() => void execa('umount', ['-l', disk]))
  await expect(make('small/base', SMALL_DEBIAN)).rejects.toMatchObject({
    code: 'DISK_FULL',
    hint: expect.stringMatching(/-dir/),
  })
})

describe("a base's key", () => {
  test('changes with what goes in, but not with the order of the packages', { timeout: 60_000 }, async () => {
    const include = ['curl', 'bash']
    const keys = await Promise.all(
      [
        { ...SMALL_DEBIAN, include },
        { ...SMALL_DEBIAN, include: ['bash', 'curl', 'bash'] },
        { ...SMALL_DEBIAN, include: ['bash'] },
        { ...SMALL_DEBIAN, include, variant: 'apt' },
        { ...SMALL_DEBIAN, include, architecture: SMALL_DEBIAN.architecture === 'arm64' ? 'amd64' : 'arm64' },
        { ...SMALL_DEBIAN, include, suite: 'trixie' },
      ].map((options) => debianKey(options, never)),
    )
    expect(keys[1]).toBe(keys[0])
    expect(new Set(keys).size).toBe(5)
    expect(keys.every((key) => /^[0-9a-f]{64}$/.test(key))).toBe(true)
  })

  test.each([
    [{ suite: 'nosuch' }, 'FETCH_NOT_FOUND', 'Suite nosuch of '],
    [{ mirror: 'http://127.0.0.1:9/debian' }, 'FETCH_FAILED', '127.0.0.1:9'],
    [{ architecture: 'mips' }, 'PLATFORM_MISSING', "'mips'"],
    [{ variant: 'tiny' }, 'SPEC_INVALID', "'tiny'"],
    [{ include: ['bash', '--option'] }, 'SPEC_INVALID', "'--option'"],
    [{ include: ['a,b'] }, 'SPEC_INVALID', "'a,b'"],
  ])('of %j is an error', { timeout: 60_000 }, async (change, code, said) => {
    const failed = expect.objectContaining({ code, message: expect.stringContaining(said) })
    await expect(debianKey({ ...SMALL_DEBIAN, ...change }, never)).rejects.toThrow(failed)
  })
})

async function judge(path: string): Promise<void> {
  const { stdout } = await execa('tar', ['-tvf', path, '--numeric-owner', '--xattrs', '--xattrs-include=*'])
  const names = stdout.split('\n').map((line) => line.replace(/^(?:\S+\s+){5}/, '').replace(/ -> .*/, ''))
  expect(names).toContain('./usr/bin/time')
  expect(names.filter((name) => name.startsWith('./dev'))).toEqual(['./dev/'])
  const leftovers =
    /^\.\/(etc\/(hostname|resolv\.conf|machine-id|apt\/auth\.conf)|.*ocibake.*|var\/log\/.*\.log|var\/lib\/apt\/lists\/.*_.*|.*\.deb|var\/cache\/ldconfig\/.+)$/
  expect(names.filter((name) => leftovers.test(name))).toEqual([])
  const { stdout: sources } = await execa('tar', ['-xOf', path, './etc/apt/sources.list'])
  expect(sources).toMatch(/^deb \[signed-by=\S+\] http\S+ bookworm main$/m)
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

async function processesThatMention(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(text))
}
