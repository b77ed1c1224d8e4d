/** Needs root. The helper alone, as others might call it. */
import { execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nativeHelper } from '../../src/provision/native-helper.ts'
import { sandboxRequest } from '../../src/provision/sandbox-request.ts'

let home: string
let helper: string

beforeAll(async () => {
  helper = await nativeHelper()
  home = mkdtempSync(join(tmpdir(), 'ocibake-helper-'))
  chmodSync(home, 0o755)
})
afterAll(() => rmSync(home, { recursive: true }))

function fresh(name: string): string {
  const path = mkdtempSync(join(home, name))
  chmodSync(path, 0o777)
  return path
}

function ask(verb: string, folder: string, request: string): SpawnSyncReturns<Buffer> {
  return spawnSync(helper, [verb, folder], { input: Buffer.from(request, 'latin1') })
}

test.each([
  ['xattr through a symlink', 'xattr\0link/f\0user.a\x001\0x'],
  ['xattr above the root', 'xattr\0../outside/f\0user.a\x001\0x'],
  ['xattr of what is above the root', 'xattr\0..\0user.a\x001\0x'],
  ['node through a symlink', 'node\0link/n\0p\x000\x000\0'],
])('lay-out: %s reaches nothing outside', (_, record) => {
  const base = fresh('layout-')
  const root = join(base, 'root')
  mkdirSync(root)
  mkdirSync(join(base, 'outside'))
  writeFileSync(join(base, 'outside', 'f'), '')
  symlinkSync('../outside', join(root, 'link'))
  const { status } = ask('lay-out', root, `${record}end\0`)
  expect(status).toBe(125)
  expect(readdirSync(join(base, 'outside'))).toEqual(['f'])
  expect(ask('read-xattrs', join(base, 'outside'), 'f\0').stdout.toString('latin1')).toBe('\0')
})

test('lay-out sets an attribute of a symlink itself, never of what it points to', () => {
  const root = fresh('itself-')
  writeFileSync(join(root, 'f'), '')
  symlinkSync('f', join(root, 'link'))
  expect(ask('lay-out', root, 'xattr\0link\0trusted.a\x003\0\0\xff\nend\0').status).toBe(0)
  expect(ask('read-xattrs', root, 'f\0link\0').stdout.toString('latin1')).toBe('\0trusted.a\x003\0\0\xff\n\0')
})

test('read-xattrs leaves out what is listed and cannot be read', () => {
  const root = fresh('unreadable-')
  writeFileSync(join(root, 'f'), '')
  const request = 'xattr\0f\0user.a\x001\0xxattr\0f\0security.capability\x000\0end\0'
  expect(ask('lay-out', root, request).stdout.toString()).toBe('')
  expect(ask('read-xattrs', root, 'f\0').stdout.toString('latin1')).toBe('user.a\x001\0x\0')
})

test.each([
  ['no end', 'node\0n\0p\x000\x000\0'],
  ['half a record', 'node\0n\0p\0'],
  ['half a value', 'xattr\0f\0user.a\x0099\0x'],
  ['no number', 'node\0n\0p\0x\x000\0'],
  ['a huge number', 'node\0n\0c\x0099999999999999999999\x000\0'],
])('a request with %s is an error', (_, request) => {
  const { status, stderr } = ask('lay-out', fresh('broken-'), request)
  expect(status).toBe(125)
  expect(stderr.toString()).toMatch(/^ocibake-sandbox: (read|mknod)/)
})

/** Sends the request, ends it, and gives what the helper says on stderr and fd 3. */
async function sandbox(args: string[], request: Buffer, ids: { uid?: number; gid?: number } = {}) {
  const child = spawn(helper, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'], env: {}, ...ids })
  const lifeline = child.stdio[4] as Writable
  lifeline.on('error', () => {})
  lifeline.end(request)
  const [code, stderr, status] = await Promise.all([
    new Promise((resolve) => child.once('exit', resolve)),
    text(child.stderr as Readable),
    text(child.stdio[3] as Readable),
  ])
  return { code, stderr, status }
}

test('an ordinary user is refused by the name of the call', async () => {
  const { status } = await sandbox(['probe-chroot', '--root', fresh('user-')], Buffer.from('run\0'), {
    uid: 65534,
    gid: 65534,
  })
  expect(status).toMatch(/^refused unshare .*: Operation not permitted\n$/)
})

test.each([
  ['no root', ['chroot', '--', '/bin/sh']],
  ['no program', ['chroot', '--root=/nonexistent']],
  ['no verb', []],
  ['an unknown verb', ['nonsense']],
])('%s is a usage error', async (_, args) => {
  const { code, stderr } = await sandbox(args, Buffer.alloc(0))
  expect(code).toBe(2)
  expect(stderr).toMatch(/^usage:/)
})

test.each(['', 'env\0A=1', 'env\0A=1\0'])('a caller that closes its end after %j starts nothing', async (request) => {
  const root = fresh('closed-')
  const { status } = await sandbox(['chroot', `--root=${root}`, '--', '/bin/sh'], Buffer.from(request))
  expect(status).toMatch(/^refused read the request: it ends/)
  expect(readdirSync(root)).toEqual([])
})

test('a message holds no second line, whatever a path holds', async () => {
  const { status } = await sandbox(['chroot', `--root=${join(home, 'no\nexited 0')}`, '--', '/x'], Buffer.from('run\0'))
  expect(status).toMatch(/^refused open .*no\?exited 0: No such file or directory\n$/)
})

test('a NUL byte in a variable is refused before anything is sent', () => {
  expect(() => sandboxRequest({ A: 'x\0file\0/etc/passwd' }, new Map())).toThrow(/'A' holds a NUL byte/)
})

test('its own file is not writable by a script that finds it', () => {
  expect(lstatSync(helper).mode & 0o022).toBe(0)
})

test('it builds without a warning, static and dynamic', { timeout: 300_000 }, () => {
  const folders = ['native', 'native/agent']
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  const sources = files.filter((name) => name.endsWith('.c')).map((name) => resolve(name))
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror']
  const cwd = fresh('objects-')
  execFileSync('cc', [...flags, '-c', ...sources], { cwd, stdio: 'pipe' })
  for (const mode of [['-static'], []]) {
    execFileSync('cc', [...mode, '-o', 'built', ...readdirSync(cwd).filter((name) => name.endsWith('.o'))], { cwd })
  }
})
