import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { debianArchives } from '../../src/provision/debian-archives.ts'
import { parseRelease } from '../../src/provision/debian-release.ts'
import {
  type MmdebstrapOrder,
  mmdebstrapArguments,
  requireMmdebstrap,
  sourcesList,
} from '../../src/provision/mmdebstrap.ts'

const SUM = 'a'.repeat(64)
const RELEASE = `Origin: Debian
Architectures: all amd64 arm64
Date: Sat, 11 Jul 2026 10:16:37 UTC
MD5Sum:
 ${'b'.repeat(32)} 5 main/binary-amd64/Packages
SHA256:
 ${'c'.repeat(64)}        7 main/binary-amd64/Packages.gz
 ${SUM} 50060337 main/binary-amd64/Packages
 ${'d'.repeat(64)}        9 main/debian-installer/binary-amd64/Packages
`

const ORDER: MmdebstrapOrder = {
  archives: debianArchives({ suite: 'bookworm', snapshot: '20260101T000000Z' }, []),
  variant: 'minbase',
  include: ['adduser', 'passwd'],
  architecture: 'arm64',
  epoch: 1767225600,
  old: true,
}

describe("mmdebstrap's arguments", () => {
  test('name the mode, variant, architecture, packages, suite and target', () => {
    const args = mmdebstrapArguments(ORDER, '/work', true)
    const chosen = ['--mode=root', '--variant=minbase', '--architectures=arm64', '--include=adduser,passwd']
    expect(args).toEqual(expect.arrayContaining(chosen))
    expect(args.slice(-3)).toEqual(['bookworm', '/work/base.tar', '-'])
    expect(mmdebstrapArguments(ORDER, '/work', false)).toContain('--mode=unshare')
  })

  test('let apt take a snapshot that is past its time, and no other archive', () => {
    const tolerance = '--aptopt=Acquire::Check-Valid-Until "false"'
    expect(mmdebstrapArguments(ORDER, '/work', true)).toContain(tolerance)
    expect(mmdebstrapArguments({ ...ORDER, old: false }, '/work', true)).not.toContain(tolerance)
  })

  test('escape a folder of any name for the hooks', () => {
    const hooks = mmdebstrapArguments(ORDER, "/a b/it's $(x)", true).filter((arg) => arg.startsWith('--setup-hook'))
    expect(hooks[0]).toBe("--setup-hook=copy-in /a\\ b/it\\'s\\ \\$\\(x\\)/00ocibake /etc/apt/apt.conf.d")
  })
})

test('the sources list of the image has the snapshot and the keyring, one line a suite', () => {
  const at = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://snapshot.debian.org/archive'
  expect(sourcesList(ORDER.archives)).toBe(
    `deb ${at}/debian/20260101T000000Z bookworm main\n` +
      `deb ${at}/debian/20260101T000000Z bookworm-updates main\n` +
      `deb ${at}/debian-security/20260101T000000Z bookworm-security main\n`,
  )
})

describe('a Release file', () => {
  test('gives the sha256 of the package list and the date', () => {
    expect(parseRelease(RELEASE, 'x', 'amd64')).toEqual({ packages: SUM, date: 1783764997 })
  })

  test('of a suite without the architecture is an error that lists those it has', () => {
    expect(() => parseRelease(RELEASE, 'x', 'mips')).toThrow(
      expect.objectContaining({ code: 'PLATFORM_MISSING', message: expect.stringContaining('all amd64 arm64') }),
    )
  })

  test('that is a login page is an error', () => {
    const thrown = expect.objectContaining({ code: 'FETCH_FAILED' })
    expect(() => parseRelease('<html>Please log in</html>', 'x', 'amd64')).toThrow(thrown)
  })
})

describe('without the tools', () => {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'ocibake-test-'))
  })
  afterAll(() => rm(root, { recursive: true }))

  test('the error says which package to install', async () => {
    const missing = (name: string) =>
      expect.objectContaining({ code: 'TOOL_MISSING', hint: `Run: apt-get install ${name}` })
    await expect(requireMmdebstrap(root)).rejects.toThrow(missing('mmdebstrap'))
    await mkdir(join(root, 'usr/bin'), { recursive: true })
    await writeFile(join(root, 'usr/bin/mmdebstrap'), '')
    await expect(requireMmdebstrap(root)).rejects.toThrow(missing('debian-archive-keyring'))
  })
})
