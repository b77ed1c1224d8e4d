import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeMode, isFileMode, parseOctalMode } from '../../src/provision/file-mode.ts'

const CHANGES = [
  ...[
    '0755',
    '00755',
    '02755',
    '755',
    '0',
    '000',
    '4755',
    '0644',
    '1777',
    'u+x',
    'g+rwX',
    'a+X',
    'u=rw,go=',
    'go-rwx',
    '+x',
    '-w',
    '=r',
  ],
  ...['u+s', 'g+s', '+t', 'o+t', 'u-s,g-s', 'ug=rwx,o=', 'a=rX', 'u=rwxs', 'g=', 'o=rwxt', 'u+r-w+x', 'a-x+X'],
].filter((change) => isFileMode(change))
const MODES = [0, 0o600, 0o644, 0o755, 0o4755, 0o2755, 0o6711, 0o1777, 0o777]

describe('changeMode', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ocibake-mode-'))
    writeFileSync(join(folder, 'file'), '')
    mkdirSync(join(folder, 'dir'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(CHANGES)('does what the real chmod does with %s', (change) => {
    for (const [name, isDirectory] of [
      ['file', false],
      ['dir', true],
    ] as const) {
      for (const mode of MODES) {
        const path = join(folder, name)
        chmodSync(path, mode)
        execFileSync('sh', ['-c', 'umask 0; exec chmod -- "$1" "$2"', '-', change, path])
        const want = statSync(path).mode & 0o7777
        const got = changeMode(mode, change, isDirectory)
        expect(got.toString(8), `${name} ${mode.toString(8)} ${change}`).toBe(want.toString(8))
      }
    }
  })

  it.each(['8', '09', 'rwx', 'u+y', '', 'z=r', '07777777', 'u+x,'])('knows that %j is no mode', (text) => {
    expect(isFileMode(text)).toBe(false)
  })

  it('says what to write instead of a bad octal mode', () => {
    expect(() => parseOctalMode('u+x')).toThrow("'u+x' is no octal mode")
  })
})
