import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apply } from '../../src/oci/apply.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { Node, Tree } from '../../src/oci/node.ts'
import { EMPTY } from '../../src/oci/node.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'
import { findPackages } from '../../src/sbom/find-packages.ts'
import { writeSpdx } from '../../src/sbom/spdx-document.ts'
import { damages } from '../support/damage.ts'
import { fuzz } from '../support/fuzz.ts'
import { file, symlink } from '../support/small-root.ts'
import { spdxFaults } from '../support/spdx-rules.ts'

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'
const STATUS = `Package: libc6
Status: install ok installed
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u4
Description: GNU C Library: Shared libraries
 Contains the standard libraries.
Homepage: https://www.gnu.org/software/libc/libc.html

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: held
Status: hold ok half-configured
Maintainer: "A. Person" <a@example.com>
Architecture: all
Source: held-source (2:1.0-1)
Version: 2:1.0-1+b1
`
const APK = `C:Q1abc=
P:musl
V:1.2.4-r2
A:x86_64
L:MIT
o:musl
m:Timo Teräs <timo.teras@iki.fi>
F:lib
M:0:0:1777
R:ld-musl-x86_64.so.1
Z:Q1def=

P:musl-utils
V:1.2.4-r2
A:x86_64
L:MIT AND BSD-2-Clause AND GPL-2.0-or-later
o:musl
`

/** A tree with these files; a text is a file's. */
function treeOf(files: Record<string, string | Buffer | Node>): Tree {
  const nodes = Object.entries(files).map(([path, node]) => {
    const isBytes = typeof node === 'string' || Buffer.isBuffer(node)
    return placeAt(path, isBytes ? file(node) : node)
  })
  return nodes.reduce<Tree>((tree, layer) => apply(tree, layer), EMPTY)
}

const { signal } = new AbortController()
const find = (files: Parameters<typeof treeOf>[0]) => findPackages(treeOf(files), signal)
const purls = async (files: Parameters<typeof treeOf>[0]) => (await find(files)).packages.map(({ purl }) => purl)

describe('the packages of an image', () => {
  it('are those that dpkg has installed, with their source packages and the release', async () => {
    const { packages, unread } = await find({ 'usr/lib/os-release': DEBIAN, 'var/lib/dpkg/status': STATUS })
    expect(unread).toEqual([])
    expect(packages).toEqual([
      {
        name: 'held',
        version: '2:1.0-1+b1',
        purl: 'pkg:deb/debian/held@2:1.0-1%2Bb1?arch=all&distro=debian-12&upstream=held-source%402:1.0-1',
        supplier: 'Person: A. Person (a@example.com)',
        from: 'var/lib/dpkg/status',
      },
      {
        name: 'libc6',
        version: '2.36-9+deb12u4',
        purl: 'pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc',
        supplier: 'Organization: GNU Libc Maintainers (debian-glibc@lists.debian.org)',
        from: 'var/lib/dpkg/status',
      },
    ])
  })

  it('are those of distroless images, which have a file for each', async () => {
    const found = await purls({
      'etc/os-release': DEBIAN,
      'var/lib/dpkg/status.d/base': 'Package: base-files\nVersion: 12.4\nArchitecture: amd64\n',
      'var/lib/dpkg/status.d/base.md5sums': 'd41d8cd98f00b204e9800998ecf8427e  etc/issue\n',
      'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n\n',
    })
    expect(found).toEqual([
      'pkg:deb/debian/base-files@12.4?arch=amd64&distro=debian-12',
      'pkg:deb/debian/tzdata@2024a-0?arch=all&distro=debian-12',
    ])
  })

  it('are those of apk, whose database is found once where /lib is a symlink', async () => {
    const files = {
      'etc/os-release': 'ID=alpine\nVERSION_ID=3.18.4\n',
      'usr/lib/apk/db/installed': APK,
      lib: symlink('usr/lib'),
    }
    const { packages, unread } = await find(files)
    expect(unread).toEqual([])
    expect(packages.map(({ purl, license, from }) => [purl, license, from])).toEqual([
      [
        'pkg:apk/alpine/musl-utils@1.2.4-r2?arch=x86_64&distro=alpine-3.18.4&upstream=musl',
        'MIT AND BSD-2-Clause AND GPL-2.0-or-later',
        'usr/lib/apk/db/installed',
      ],
      ['pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.18.4', 'MIT', 'usr/lib/apk/db/installed'],
    ])
    expect(packages[1]!.supplier).toBe('Person: Timo Teräs (timo.teras@iki.fi)')
  })

  it('are those of Python, whose names are normalised', async () => {
    const site = 'usr/local/lib/python3.11/site-packages'
    const { packages, unread } = await find({
      [`${site}/Zope_Interface.X-6.0.dist-info/METADATA`]:
        'Metadata-Version: 2.4\nName: Zope_Interface.X\nVersion: 6.0\nLicense: long\n text\nLicense-Expression: mit\n\nVersion: 7\n',
      [`${site}/old-1.dist-info/METADATA`]: 'Name: old\nVersion: 1!2.0+local\nLicense: BSD License\n',
      [`${site}/zope/interface.py`]: '',
      'usr/lib/python3/dist-packages/folder.egg-info/PKG-INFO': 'Name: folder\r\nVersion: 3\r\nLicense: Apache-2.0\r\n',
      'usr/lib/python3/dist-packages/file-4.egg-info': 'Name: file\nVersion: 4\n',
      'opt/other/x.dist-info/METADATA': 'Name: not-installed\nVersion: 1\n',
    })
    expect(unread).toEqual([])
    expect(packages.map(({ name, purl, license }) => [name, purl, license])).toEqual([
      ['file', 'pkg:pypi/file@4', undefined],
      ['folder', 'pkg:pypi/folder@3', 'Apache-2.0'],
      ['old', 'pkg:pypi/old@1%212.0%2Blocal', undefined],
      ['Zope_Interface.X', 'pkg:pypi/zope-interface-x@6.0', 'MIT'],
    ])
  })

  it('are those of npm: with a scope, within others, and each once', async () => {
    const json = (name: string, version: string, more = {}) => JSON.stringify({ name, version, ...more })
    const { packages, unread } = await find({
      'app/package.json': json('app', '0.0.1'),
      'app/node_modules/.package-lock.json': '{}',
      'app/node_modules/.bin/a': symlink('../a/cli.js'),
      'app/node_modules/a/package.json': `\ufeff${json('a', '1.0.0', { license: 'ISC' })}`,
      'app/node_modules/a/lib/package.json': '{"type":"module"}',
      'app/node_modules/a/node_modules/b/package.json': json('b', '2.0.0'),
      'app/node_modules/@scope/c/package.json': json('@scope/c', '3.0.0-rc.1+x', { license: 'SEE LICENSE IN x' }),
      'app/node_modules/b/package.json': json('b', '2.0.0', { license: { type: 'MIT', url: 'x' } }),
      'app/node_modules/a/node_modules/d/package.json': json('d', '4.0.0'),
      'app/node_modules/linked': symlink('../packages/linked'),
      'app/packages/linked/package.json': json('linked', '1.0.0'),
    })
    expect(unread).toEqual([])
    expect(packages.map(({ purl, license }) => [purl, license])).toEqual([
      ['pkg:npm/%40scope/c@3.0.0-rc.1%2Bx', undefined],
      ['pkg:npm/a@1.0.0', 'ISC'],
      ['pkg:npm/b@2.0.0', 'MIT'],
      ['pkg:npm/d@4.0.0', undefined],
    ])
  })

  it('take the release of a distribution that has no number yet, and none that nobody names', async () => {
    const status = 'Package: a\nVersion: 1\n'
    const release = 'ID=debian\nVERSION_CODENAME=trixie\n'
    expect(await purls({ 'etc/os-release': release, 'var/lib/dpkg/status': status })).toEqual([
      'pkg:deb/debian/a@1?distro=debian-trixie',
    ])
    expect(await purls({ 'var/lib/dpkg/status': status })).toEqual(['pkg:deb/debian/a@1'])
    expect(await purls({ 'etc/os-release': 'ID=ubuntu\n', 'var/lib/dpkg/status': status })).toEqual([
      'pkg:deb/ubuntu/a@1?distro=ubuntu',
    ])
  })
})

describe('what cannot be read', () => {
  it('of rpm is said', async () => {
    const { packages, unread } = await find({
      'usr/lib/sysimage/rpm/rpmdb.sqlite': 'SQLite format 3\0',
      'var/lib/rpm': symlink('/usr/lib/sysimage/rpm'),
    })
    expect(packages).toEqual([])
    expect(unread).toEqual([
      'Not read: /usr/lib/sysimage/rpm/rpmdb.sqlite: its packages, which rpm has installed, are missing here.',
    ])
  })

  it('is said with the first few paths, and nothing that a terminal would obey', async () => {
    const files = Object.fromEntries(
      [...Array(9).keys()].map((i) => [`x/node_modules/a\n${i}/package.json`, i === 0 ? '\0' : 'no JSON']),
    )
    const { packages, unread } = await find(files)
    expect(packages).toEqual([])
    expect(unread).toEqual([
      `Not read: ${[1, 2, 3, 4, 5].map((i) => `/x/node_modules/a\\n${i}/package.json`).join(', ')} and 3 more: it has no name, or no version.`,
      'Not read: /x/node_modules/a\\n0/package.json: no text.',
    ])
  })

  it.each<[string, Record<string, string | Buffer | Node>, RegExp | undefined]>([
    [
      'a database without names',
      { 'var/lib/dpkg/status': 'Version: 1\n\nPackage: a b\nVersion: 1\n' },
      /an entry has no name/,
    ],
    ['a huge file', { 'a/node_modules/b/package.json': Buffer.alloc((1 << 20) + 1, ' ') }, /larger than 1 MiB/],
    ['a binary database', { 'lib/apk/db/installed': Buffer.alloc(100) }, /no text/],
    ['a loop of symlinks', { 'lib/apk/db/installed': symlink('installed'), 'var/lib/rpm': symlink('rpm') }, undefined],
    ['a folder where a file should be', { 'var/lib/dpkg/status/x': '' }, undefined],
    ['fields without an end', { 'var/lib/dpkg/status': ':::\n\n : \n:' }, /an entry/],
    ['JSON that is no object', { 'node_modules/a/package.json': '[]' }, /no name/],
    ['names of objects', { 'node_modules/a/package.json': '{"name":{},"version":[]}' }, /no name/],
  ])('%s', async (_, files, said) => {
    const { packages, unread } = await find(files)
    expect(packages).toEqual([])
    if (said === undefined) expect(unread).toEqual([])
    else expect(unread).toEqual([expect.stringMatching(said)])
  })

  it('is named once for a million bad entries of one file, and those behind them are not read', async () => {
    const { packages, unread } = await find({
      'var/lib/dpkg/status': `${'a\n\n'.repeat(1_000_000)}Package: a\nVersion: 1\n`,
      'lib/apk/db/installed': APK,
    })
    expect(packages).toEqual([])
    expect(unread).toEqual([
      'Not read: /var/lib/dpkg/status: an entry has no name, or no version.',
      'Not read: /lib/apk/db/installed, /var/lib/dpkg/status: there are more than 1000000 entries.',
    ])
  })

  it('is a file behind more bytes than any image has of such files', async () => {
    const most = Buffer.alloc(64 << 20, 'x')
    const databases = ['var/lib/dpkg/status', 'lib/apk/db/installed', 'usr/lib/apk/db/installed']
    const names = [...Array(66).keys()].map((i) => `node_modules/${i + 100}/package.json`)
    const { unread } = await find({
      ...Object.fromEntries(databases.map((path) => [path, most])),
      ...Object.fromEntries(names.map((path) => [path, most.subarray(0, 1 << 20)])),
    })
    expect(unread).toContain(
      'Not read: /node_modules/164/package.json, /node_modules/165/package.json: there are more than 256 MiB.',
    )
  })

  it('is a field that is none, of a package that is listed', async () => {
    const long = 'x'.repeat(1 << 20)
    const { packages } = await find({
      'var/lib/dpkg/status': `Package: a\nVersion: 1\nArchitecture: ${long}\nSource: ${long}\nMaintainer: ${long}\n`,
      'lib/apk/db/installed': `P:a\nV:1\nA:${long}\no:${long}\nm:${long}\nL:${long}\n`,
    })
    expect(packages.map(({ purl, supplier, license }) => [purl, supplier, license])).toEqual([
      ['pkg:apk/alpine/a@1', undefined, undefined],
      ['pkg:deb/debian/a@1', undefined, undefined],
    ])
  })

  it('is what would make the document longer than a text can be', async () => {
    const long = '!'.repeat(200)
    const entry = (i: number) => `Package: ${i}${long}\nVersion: ${long}\nArchitecture: ${long}\nSource: ${long}\n\n`
    const { packages, unread } = await find({
      'var/lib/dpkg/status': Array.from({ length: 40_000 }, (_, i) => entry(i)).join(''),
    })
    expect(packages.length).toBeLessThan(30_000)
    expect(unread).toEqual([expect.stringMatching(/what it says of all packages is longer than 64 MiB/)])
  })

  it('does not keep a signal from being heard', async () => {
    const stop = new AbortController()
    setImmediate(() => stop.abort(new Error('stopped')))
    const tree = treeOf({ 'var/lib/dpkg/status': 'a\n\n'.repeat(100_000) })
    await expect(findPackages(tree, stop.signal)).rejects.toThrow('stopped')
  })

  it('takes nothing away from a hundred thousand packages beside it', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => `Package: p${i}\nPackage: q\nVersion: 1\n`).join('\n')
    const { packages, unread } = await find({ 'var/lib/dpkg/status': `${many}\nPackage: \x1b[31m\nVersion: 1\n` })
    expect(packages).toHaveLength(100_000)
    expect(packages[0]).toMatchObject({ name: 'p0' })
    expect(unread).toHaveLength(1)
  })

  it('never is a fault, whatever strangers wrote: the document is one by the rules of SPDX', async () => {
    const honest = [
      ['etc/os-release', DEBIAN],
      ['var/lib/dpkg/status', STATUS],
      ['lib/apk/db/installed', APK],
      ['x/site-packages/a.dist-info/METADATA', 'Name: a\nVersion: 1\nLicense: MIT\n'],
      ['node_modules/a/package.json', '{"name":"@a/b","version":"1","license":"MIT OR ISC"}'],
    ] as const
    const digest = digestOf('')
    await fc.assert(
      fc.asyncProperty(fc.tuple(...honest.map(() => damages())), async (damaged) => {
        const files = honest.map(([path, text], i) => [path, damaged[i]!(Buffer.from(text))])
        const found = await find(Object.fromEntries(files))
        const subject = { name: 'x', digest, purls: [] }
        const facts = { image: subject, base: subject, sources: [], notes: [] }
        const document = writeSpdx({ ...facts, found, created: '2024-05-06T07:08:09Z', creator: 'ocibake-1' })
        expect(spdxFaults(JSON.parse(document.toString()))).toEqual([])
      }),
      fuzz(300),
    )
  })
})
