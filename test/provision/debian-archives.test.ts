import { describe, expect, test } from 'vitest'
import { parseSourcesList } from '../../src/provision/apt-sources.ts'
import { debianArchives } from '../../src/provision/debian-archives.ts'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

function archivesOf(choice: Parameters<typeof debianArchives>[0], hostLines: string): string[] {
  return debianArchives(choice, parseSourcesList(hostLines)).map(({ uri, suite }) => `${uri} ${suite}`)
}

describe('where a Debian base comes from', () => {
  test("is where the host's apt takes Debian from, with updates and security if the host has them", () => {
    const host = `deb http://mirror.test/debian bookworm main\ndeb http://mirror.test/security bookworm-security main\n`
    expect(archivesOf({ suite: 'bookworm' }, host.replaceAll('deb ', `deb [signed-by=${KEYRING}] `))).toEqual([
      'http://mirror.test/debian bookworm',
      'http://mirror.test/security bookworm-security',
    ])
  })

  test("is the host's mirror for another suite too", () => {
    const host = 'deb http://m/debian bookworm main\ndeb http://m/debian bookworm-updates main\n'
    expect(archivesOf({ suite: 'trixie' }, host)).toEqual(['http://m/debian trixie', 'http://m/debian trixie-updates'])
    expect(archivesOf({ suite: 'sid' }, host)).toEqual(['http://m/debian sid'])
  })

  test.each([
    ['nothing', ''],
    ['another distribution', 'deb http://archive.ubuntu.com/ubuntu noble main\n'],
    ['a vendor that has a key of its own', 'deb [signed-by=/v.gpg] http://vendor.test/debian/12 bookworm main\n'],
    ['a vendor without main', 'deb http://vendor.test/linux/debian bookworm stable\n'],
    ['a disc and a folder', 'deb cdrom:[d]/ bookworm main\ndeb file:/srv/debian bookworm main\n'],
    ['backports alone', 'deb http://deb.debian.org/debian bookworm-backports main\n'],
  ])('is deb.debian.org when the host has %s', (_, host) => {
    expect(archivesOf({ suite: 'bookworm' }, host)).toEqual([
      'http://deb.debian.org/debian bookworm',
      'http://deb.debian.org/debian bookworm-updates',
      'http://deb.debian.org/debian-security bookworm-security',
    ])
  })

  test('is exactly the mirror that the spec names', () => {
    const host = 'deb http://m/debian bookworm main\n'
    expect(archivesOf({ suite: 'bookworm', mirror: 'https://mine.test/d/' }, host)).toEqual([
      'https://mine.test/d bookworm',
    ])
  })

  test('is the archive of snapshots when the spec names a moment', () => {
    expect(archivesOf({ suite: 'bullseye', snapshot: '20260101T000000Z' }, '')).toEqual([
      'http://snapshot.debian.org/archive/debian/20260101T000000Z bullseye',
      'http://snapshot.debian.org/archive/debian/20260101T000000Z bullseye-updates',
      'http://snapshot.debian.org/archive/debian-security/20260101T000000Z bullseye-security',
    ])
  })

  test('keeps a login apart from the address, which stays in the image', () => {
    const [archive] = debianArchives({ suite: 'bookworm', mirror: 'https://me:p%40ss@mine.test/debian' }, [])
    expect(archive).toEqual({
      uri: 'https://mine.test/debian',
      suite: 'bookworm',
      login: { user: 'me', password: 'p@ss' },
    })
  })

  test.each([
    [{ suite: '--help' }, "debian '--help'"],
    [{ suite: 'book worm' }, "debian 'book worm'"],
    [{ suite: 'sid\ndeb http://x y z' }, "debian 'sid?deb"],
    [{ suite: 'sid', mirror: 'ftp://x/debian' }, "mirror 'ftp://x/debian'"],
    [{ suite: 'sid', mirror: 'http://u:secret@x/a b' }, "mirror 'http://x/a b'"],
    [{ suite: 'sid', snapshot: '2026-01-01' }, "snapshot '2026-01-01'"],
    [{ suite: 'sid', snapshot: '20260101T000000Z', mirror: 'http://x/' }, 'both a mirror and a snapshot'],
  ])('refuses %j', (choice, said) => {
    expect(() => debianArchives(choice, [])).toThrow(
      expect.objectContaining({ code: 'SPEC_INVALID', message: expect.stringContaining(said) }),
    )
    expect(() => debianArchives(choice, [])).not.toThrow(/secret/)
  })
})
