/** Needs root, to be it and to become an ordinary user. What the helper does to whole roots, as others might call it. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nativeHelper } from '../../src/provision/native-helper.ts'

const NOBODY = 65534
let home: string
let helper: string

beforeAll(async () => {
  helper = await nativeHelper()
  home = mkdtempSync(join(tmpdir(), 'ocibake-roots-'))
  chmodSync(home, 0o755)
})
afterAll(() => rmSync(home, { recursive: true }))

function fresh(owner = 0): string {
  const path = mkdtempSync(join(home, 'root-'))
  chownSync(path, owner, owner)
  return path
}

/** Fields of one record, or of several, and bytes. */
const record = (...fields: (string | number)[]) => `${fields.join('\0')}\0`

function ask(verb: string, folder: string, request = '', uid = 0) {
  const input = Buffer.from(request, 'latin1')
  const { status, stdout, stderr } = spawnSync(helper, [verb, folder], { input, uid, gid: uid })
  return { status, fields: stdout.toString('latin1').split('\0').slice(0, -1), stderr: stderr.toString() }
}

describe('lay-out', () => {
  test('makes folders, files, links and symlinks with owners, set-id bits and times, whatever the umask is', () => {
    const root = fresh()
    const request = [
      record('folder', 'd'),
      record('file', 'd/f', 0o6755, 65100, 4_000_000_000, -5, '-', 0, 3),
      'abc',
      record('link', 'd/g', 'd/f'),
      record('symlink', 'd/l', 7, 8, 9, '../nowhere'),
      record('attrs', 'd', 0o2771, 5, 6, 5_000_000_000),
      record('end'),
    ]
    const before = process.umask(0o077)
    const { status, fields } = ask('lay-out', root, request.join(''))
    process.umask(before)
    expect({ status, fields }).toEqual({ status: 0, fields: [] })
    expect(readFileSync(join(root, 'd/f'), 'utf8')).toBe('abc')
    const look = (path: string) => {
      const { mode, uid, gid, mtimeMs, atimeMs, ino } = lstatSync(join(root, path))
      return { mode: mode & 0o7777, uid, gid, mtime: mtimeMs / 1000, atime: atimeMs / 1000, ino }
    }
    const file = look('d/f')
    expect(file).toMatchObject({ mode: 0o6755, uid: 65100, gid: 4_000_000_000, mtime: -5 })
    expect(look('d/g').ino).toBe(file.ino)
    expect(look('d/l')).toMatchObject({ uid: 7, gid: 8, mtime: 9, atime: 9 })
    expect(look('d')).toMatchObject({ mode: 0o2771, uid: 5, gid: 6, mtime: 5_000_000_000, atime: 5_000_000_000 })
  })

  test('copies slices of open files, and says where one is too short', () => {
    const root = fresh()
    const source = join(home, 'source')
    writeFileSync(source, `head${'x'.repeat(600_000)}tail`)
    const run = (size: number, name: string) => {
      const request = record('file', name, 0o644, 0, 0, 0, 3, 4, size) + record('end')
      const shell = 'exec 3< "$1"; exec "$2" lay-out "$3"'
      return spawnSync('/bin/sh', ['-c', shell, '-', source, helper, root], { input: request })
    }
    expect(run(600_000, 'all').status).toBe(0)
    expect(readFileSync(join(root, 'all'), 'latin1')).toBe('x'.repeat(600_000))
    const short = run(600_005, 'short')
    expect(short.status).toBe(125)
    expect(short.stdout.toString()).toBe(record('failed', 'short', 0))
  })

  test('names the path that it failed at', () => {
    const root = fresh()
    const { status, fields } = ask('lay-out', root, record('folder', 'd') + record('folder', 'd') + record('end'))
    expect(status).toBe(125)
    expect(fields).toEqual(['failed', 'd', '17'])
  })

  test('removes what is there with all that is in it, and a symlink instead of what it points to', () => {
    const root = fresh()
    mkdirSync(join(root, 'd/e/f'), { recursive: true })
    writeFileSync(join(root, 'd/e/x'), '')
    mkdirSync(join(root, 'kept'))
    symlinkSync('kept', join(root, 'link'))
    const request = ['d', 'link', 'nothing'].map((path) => record('remove', path)).join('')
    expect(ask('lay-out', root, request + record('end')).status).toBe(0)
    expect(readdirSync(root)).toEqual(['kept'])
  })

  test.each([
    ['folder', record('folder', 'link/n')],
    ['file', record('file', 'link/n', 0o644, 0, 0, 0, '-', 0, 0)],
    ['file in the place of a symlink', record('file', 'to-file', 0o644, 0, 0, 0, '-', 0, 0)],
    ['symlink', record('symlink', 'link/n', 0, 0, 0, 'x')],
    ['link to', record('link', 'n', 'link/f')],
    ['link in', record('link', 'link/n', 'f')],
    ['attributes', record('attrs', 'link/f', 0o777, 1, 1, 1)],
    ['removal', record('remove', 'link/f')],
    ['removal above', record('remove', '..')],
    ['removal of all', record('remove', '')],
    ['removal of the same', record('remove', 'sub/.')],
  ])('%s reaches nothing outside', (_, request) => {
    const base = fresh()
    const root = join(base, 'root')
    mkdirSync(join(root, 'sub'), { recursive: true })
    mkdirSync(join(base, 'outside'))
    writeFileSync(join(base, 'outside/f'), 'f')
    writeFileSync(join(root, 'f'), '')
    symlinkSync('../outside', join(root, 'link'))
    symlinkSync('../outside/f', join(root, 'to-file'))
    const before = lstatSync(join(base, 'outside/f'), { bigint: true })
    expect(ask('lay-out', root, request + record('end')).status).toBe(125)
    expect(readdirSync(join(base, 'outside'))).toEqual(['f'])
    expect(lstatSync(join(base, 'outside/f'), { bigint: true }).ctimeNs).toBe(before.ctimeNs)
    expect(readdirSync(root).sort()).toEqual(['f', 'link', 'sub', 'to-file'])
  })
})

describe('survey', () => {
  test('tells what lies where, in the order of bytes, and is no access itself', () => {
    const root = fresh()
    mkdirSync(join(root, 'a'))
    writeFileSync(join(root, 'a/\xe9'), 'four')
    linkSync(join(root, 'a/\xe9'), join(root, 'a-b'))
    execFileSync('mknod', [join(root, 'n'), 'b', '259', '1048575'])
    for (const path of ['a', '']) utimesSync(join(root, path), 1, 1)
    const { status, fields } = ask('survey', root)
    expect(status).toBe(0)
    const entries = Array.from({ length: fields.length / 10 }, (_, i) => fields.slice(10 * i, 10 * i + 10))
    expect(entries.map(([path]) => path)).toEqual(['', 'a', 'a/\xc3\xa9', 'a-b', 'n'])
    const [top, folder, file, link, node] = entries as string[][]
    expect(top![1]).toMatch(/^\d+:\d+-\d+$/)
    expect(folder!.slice(2, 5)).toEqual([String(lstatSync(join(root, 'a')).mode), '0', '0'])
    expect(file![5]).toBe('4')
    expect(link![1]).toBe(file![1])
    expect(node![9]).toBe('259:1048575')
    const stat = lstatSync(join(root, 'a'), { bigint: true })
    expect(folder!.slice(6, 9)).toEqual([String(stat.ctimeNs), '1000000000', '1000000000'])
    expect(stat.atimeNs).toBe(1_000_000_000n)
  })

  test('opens up for its user what he could not read, and says what it was', () => {
    const root = fresh(NOBODY)
    const setUp = 'mkdir d; echo x > d/f; ln -s f d/l; chmod 0 d/f; chmod 111 d'
    execFileSync('/bin/sh', ['-c', setUp], { cwd: root, uid: NOBODY, gid: NOBODY })
    expect(ask('survey', root, '', NOBODY).status).toBe(125)
    const { status, fields } = ask('survey-open', root, '', NOBODY)
    expect(status).toBe(0)
    const mode = (path: string) => Number(fields[fields.indexOf(path) + 2]) & 0o7777
    expect([mode('d'), mode('d/f')]).toEqual([0o111, 0])
    expect(lstatSync(join(root, 'd')).mode & 0o7777).toBe(0o711)
    expect(lstatSync(join(root, 'd/f')).mode & 0o7777).toBe(0o600)
  })
})

describe('remove', () => {
  test('takes away folders that nobody may enter, deeper than any path may be long', () => {
    const root = fresh(NOBODY)
    const deep = '$n = "n" x 200; for (1..40) { mkdir $n or die; chdir $n or die } open F, ">x"; chmod 0500, "."'
    execFileSync('perl', ['-e', deep], { cwd: root, uid: NOBODY, gid: NOBODY })
    execFileSync('mkdir', ['-m', '0', 'none'], { cwd: root, uid: NOBODY, gid: NOBODY })
    chownSync(home, NOBODY, NOBODY)
    expect(ask('remove', root, '', NOBODY)).toEqual({ status: 0, fields: [], stderr: '' })
    chownSync(home, 0, 0)
    expect(existsSync(root)).toBe(false)
  })

  test('follows nothing, and is content with nothing', () => {
    const root = fresh()
    const other = fresh()
    writeFileSync(join(other, 'f'), '')
    symlinkSync(other, join(root, 'link'))
    expect(ask('remove', root).status).toBe(0)
    expect(readdirSync(other)).toEqual(['f'])
    expect(ask('remove', root).status).toBe(0)
  })

  test('stops at what is mounted there, and says so', () => {
    const root = fresh()
    mkdirSync(join(root, 'm'))
    const script = 'mount -t tmpfs none "$1/m"; touch "$1/m/f"; "$2" remove "$1"; code=$?; ls "$1/m"; exit $code'
    const { status, stdout, stderr } = spawnSync('unshare', ['--mount', '/bin/sh', '-c', script, '-', root, helper])
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 125, stdout: 'f\n' })
    expect(stderr.toString()).toMatch(/rmdir m: Device or resource busy/)
  })
})
