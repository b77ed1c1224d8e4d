import { describe, expect, it } from 'vitest'
import { bytesContent } from '../../src/oci/content.ts'
import { LayerBuilder } from '../../src/oci/layer-read.ts'
import { display } from '../../src/oci/name.ts'
import type { TarEntry } from '../../src/oci/tar-entry.ts'
import { type SelectOptions, selectMembers } from '../../src/provision/select.ts'
import { describeLayer, type Extracted, extractWithTar } from '../support/gnu-tar.ts'
import { Random } from '../support/random-tree.ts'
import { contentOf, scan } from '../support/raw-tar.ts'
import { type Member, tarArchive } from '../support/tar-archive.ts'

interface Ours {
  readonly entries: ReadonlyMap<string, string>
  /** A symlink's stripped name is another member's too. GNU tar makes symlinks with '..' or a leading '/' last. */
  readonly lateSymlink: boolean
  readonly unmatched: readonly string[]
}

async function select(archive: Buffer, options: SelectOptions): Promise<Ours> {
  const selection = selectMembers(scan(archive), 'test.tar', options)
  const entries: TarEntry[] = []
  let next = selection.next()
  for (; next.done !== true; next = selection.next()) entries.push(next.value)
  const { unmatched } = next.value
  const builder = new LayerBuilder()
  for (const entry of entries) builder.add(entry, (file) => bytesContent(contentOf(archive, file)))
  const symlinks = entries.filter(({ type }) => type === 'symlink')
  const lateSymlink = symlinks.some((link) => entries.some((other) => other !== link && other.path === link.path))
  return { entries: await describeLayer(builder.finish()), lateSymlink, unmatched }
}

const NAMES = ['a', 'b', 'files', 'x y', 'é', '[b]', '.hid', '*', 'a?b', 'A', 'ü-1.txt', 'usr', '\\n', '...', '日本']
const PATTERNS = [
  '*',
  '*/files',
  'files',
  '*files*',
  '*/*',
  '?',
  '??',
  'a*',
  './*',
  '*/a',
  '[a-f]*',
  '[!a]*',
  '[^a-b]*',
  '[[]b[]]',
  '\\[b\\]',
  '*/[[:alpha:]]',
  '*/?',
  '.*',
  '*.txt',
  'a/',
  'a/b/',
  '/*',
  '\\*',
  'usr/*/a',
  '[[:upper:]]*',
  '*/é',
  '[à-ÿ]*',
  '*[]',
  'a?b',
  '*\\\\n',
  '...',
  '*/日?',
  '?*/?*/?*',
  '**a**b*',
  './a',
  'b/../a',
]
const EXCLUDES = [...PATTERNS, 'x y', 'é', 'files/', 'a/b', 'b/*', '[b]', '\\n', '?*y']

/** An archive as tar writes them: parents first, every name once, links to what came before. */
function randomArchive(random: Random): Member[] {
  const prefix = random.pick(['', '', '', './', './', '/'])
  const members: Member[] = prefix === './' && random.chance(2) ? [{ name: './', type: 'directory' }] : []
  const folders = ['']
  const files: string[] = []
  const taken = new Set<string>()
  for (let count = 4 + random.below(14); count > 0; count--) {
    const path = random.pick(folders) + random.pick(NAMES)
    if (taken.has(path)) continue
    taken.add(path)
    members.push(randomMember(random, prefix, path, files))
    if (members.at(-1)!.type === 'directory') folders.push(`${path}/`)
    else if (members.at(-1)!.type !== 'symlink') files.push(path)
  }
  return members
}

function randomMember(random: Random, prefix: string, path: string, files: readonly string[]): Member {
  const name = prefix + path
  const mode = random.pick([0o644, 0o755, 0o600, 0o4755, 0o2750])
  const roll = random.below(10)
  if (roll < 4)
    return { name: random.chance(3) ? name : `${name}/`, type: 'directory', mode: random.pick([0o755, 0o700, 0o1777]) }
  if (roll === 4) return { name, type: 'symlink', target: random.pick(['a', '../b', '/etc/x', 'files/é', '..']) }
  if (roll === 5) return { name, type: 'fifo', mode }
  if (roll < 8 && files.length > 0) return { name, type: 'link', target: prefix + random.pick(files) }
  return { name, content: `bytes of ${path}`, mode }
}

function randomOptions(random: Random): SelectOptions {
  const some = (from: readonly string[], most: number) =>
    Array.from({ length: random.below(most + 1) }, () => random.pick(from))
  return {
    stripComponents: random.pick([0, 0, 1, 1, 2, 3]),
    wildcards: random.chance(4) ? [] : some(PATTERNS, 3),
    exclude: random.chance(2) ? [] : some(EXCLUDES, 2),
  }
}

const NO_TARGET = /^(.*): Cannot hard link to '.*': (No such file or directory|Operation not permitted)$/s
const NOT_FOUND = /^(.*): Not found in archive$/s
/** Members whose stripped names meet in a way that GNU tar gives up on: see the table of differences. */
const COLLISION =
  /: Cannot (open|hard link to '.*'|create symlink to '.*'|mkdir|mkfifo|unlink|change.*|utime): (File exists|Is a directory|Not a directory|Directory not empty)$/
const NOISE = /^Removing leading|^Exiting with failure|^Skipping to next header|^Substituting/
const KNOWN = [NOISE, NO_TARGET, NOT_FOUND, COLLISION]

function compare(ours: Ours, theirs: Extracted, what: string): void {
  const given = theirs.complaints.flatMap((line) => NO_TARGET.exec(line)?.[1]?.replace(/^\.\//, '') ?? [])
  // What a later member of the same stripped name took the place of cannot be asked for any more.
  const unmade = new Set(given.filter((path) => !theirs.entries.has(path)))
  for (const path of unmade)
    expect(ours.entries.get(path), `the link ${path}, which tar cannot make; ${what}`).toBeDefined()
  const plain = (entries: ReadonlyMap<string, string>) =>
    [...entries]
      .filter(([path]) => !unmade.has(path))
      .map(([path, is]) => [path, given.length > 0 && !is.startsWith('dir') ? '' : is])
  expect(plain(ours.entries), what).toEqual(plain(theirs.entries))

  const missing = theirs.complaints.flatMap((line) => NOT_FOUND.exec(line)?.[1] ?? [])
  const unmatched = ours.unmatched.map((pattern) => Buffer.from(pattern.replace(/(?<=.)\/+$/, '')).toString('latin1'))
  expect(missing).toEqual(expect.arrayContaining(unmatched))
}

interface Difference {
  readonly why: string
  readonly members: readonly Member[]
  readonly options?: SelectOptions
  /** What GNU tar 1.34 makes, and complains about. */
  readonly gnu: Readonly<Record<string, string>>
  readonly complaint?: RegExp
  /** What we make, or the error. */
  readonly ours: Readonly<Record<string, string>> | RegExp
}

const F = { name: 'x/f', content: 'F' }
const DIFFERENCES: readonly Difference[] = [
  {
    why: "a '..' that leads out: tar skips the member and goes on to exit code 2, we refuse the archive",
    members: [F, { name: '../evil' }],
    gnu: { x: 'directory 755', 'x/f': 'file 644 F' },
    complaint: /\.\.\/evil: Member name contains '\.\.'/,
    ours: /has the member '\.\.\/evil': '\.\.' leads out of the folder it is unpacked to/,
  },
  {
    why: "a '..' that leads out behind the part that is stripped",
    members: [{ name: 'x/../../evil' }],
    options: { stripComponents: 1 },
    gnu: {},
    complaint: /Member name contains '\.\.'/,
    ours: /leads out/,
  },
  {
    why: "a '..' that leads out only once its start is stripped",
    members: [{ name: 'x/../evil' }],
    options: { stripComponents: 1 },
    gnu: {},
    complaint: /Member name contains '\.\.'/,
    ours: /leads out/,
  },
  {
    why: "a '..' that stays inside: tar skips it, we take it for what it means",
    members: [{ name: 'x/../f', content: 'F' }],
    gnu: {},
    complaint: /Member name contains '\.\.'/,
    ours: { f: 'file 644 F' },
  },
  {
    why: 'a hard link whose target was not selected: tar cannot make it, we make the file that the archive has',
    members: [F, { name: 'y/h', type: 'link', target: 'x/f' }, { name: 'y/i', type: 'link', target: 'y/h' }],
    options: { wildcards: ['y'] },
    gnu: { y: 'directory 755' },
    complaint: /y\/h: Cannot hard link to 'x\/f'/,
    ours: { y: 'directory 755', 'y/h': 'file 644 F', 'y/i': 'link y/h' },
  },
  {
    why: 'a hard link to a member that comes later',
    members: [{ name: 'h', type: 'link', target: 'x/f' }, F],
    gnu: { x: 'directory 755', 'x/f': 'file 644 F' },
    complaint: /h: Cannot hard link/,
    ours: { h: 'file 644 F', x: 'directory 755', 'x/f': 'file 644 F' },
  },
  {
    why: 'a file in the place of a folder that is not empty: tar gives up, we let the later member win',
    members: [F, { name: 'x', content: 'X' }],
    gnu: { x: 'directory 755', 'x/f': 'file 644 F' },
    complaint: /x: Cannot open: (File exists|Is a directory)/,
    ours: { x: 'file 644 X' },
  },
  {
    why: 'a name through a symlink with an absolute target, which tar makes last',
    members: [
      { name: 's', type: 'symlink', target: '/x' },
      { name: 's/f', content: 'F' },
    ],
    gnu: { s: 'symlink /x' },
    complaint: /s\/f: Cannot open: Not a directory/,
    ours: { s: 'symlink /x', x: 'directory 755', 'x/f': 'file 644 F' },
  },
]

describe('selectMembers', () => {
  it.each(DIFFERENCES)(
    'differs from GNU tar on purpose: $why',
    async ({ members, options = {}, gnu, complaint, ours }) => {
      const archive = tarArchive(members)
      const theirs = extractWithTar(archive, options)
      expect(Object.fromEntries(theirs.entries)).toEqual(gnu)
      if (complaint !== undefined) expect(theirs.complaints.join('\n')).toMatch(complaint)
      if (ours instanceof RegExp) await expect(select(archive, options)).rejects.toThrow(ours)
      else expect(Object.fromEntries((await select(archive, options)).entries)).toEqual(ours)
    },
  )

  it('keeps `a//abs/path` inside once `a` is stripped, where GNU tar 1.34 writes to the host', async () => {
    const archive = tarArchive([{ name: 'a//abs/path', content: 'F' }])
    const { entries } = await select(archive, { stripComponents: 1 })
    expect([...entries.keys()]).toEqual(['abs', 'abs/path'])
  })

  it('reads backslashes as `tar --no-unquote` does', async () => {
    const archive = tarArchive([{ name: 'a?b' }, { name: 'a\x7fb' }, { name: 'a\\b' }])
    expect([...(await select(archive, { wildcards: ['a\\?b'] })).entries.keys()]).toEqual(['a?b'])
    expect([...(await select(archive, { wildcards: ['a\\\\b'] })).entries.keys()]).toEqual(['a\\b'])
  })

  it('counts a wildcard as found even when an earlier one took all of its members', async () => {
    const archive = tarArchive([F])
    const options = { wildcards: ['x', '*/f', 'gone'] }
    expect(extractWithTar(archive, options).complaints).toContain('*/f: Not found in archive')
    expect((await select(archive, options)).unmatched).toEqual(['gone'])
  })

  it.each([
    [
      'a hard link to nothing',
      [{ name: 'h', type: 'link', target: 'h' }],
      /'h' is a hard link to 'h', which leads back/,
    ],
    [
      'a hard link to a folder',
      [
        { name: 'd/', type: 'directory' },
        { name: 'h', type: 'link', target: 'd' },
      ],
      /is a directory/,
    ],
    ['a link in the place of the root', [{ name: './', type: 'symlink', target: '/etc' }], /cannot take the place/],
  ] satisfies [string, Member[], RegExp][])('refuses %s', async (_, members, message) => {
    await expect(select(tarArchive(members), {})).rejects.toThrow(message)
  })

  const seed = Number(process.env.SEED ?? 20261121)
  const cases = 400

  it(`chooses, names and links exactly what GNU tar extracts, in ${cases} random cases (SEED=${seed})`, async () => {
    let collisions = 0
    let chosen = 0
    for (let i = 0; i < cases; i++) {
      const random = new Random(seed + i)
      const archive = tarArchive(randomArchive(random))
      const options = randomOptions(random)
      const names = scan(archive).map(({ path }) => display(path))
      const what = `seed ${seed + i}, ${JSON.stringify(options)}, members ${names.join(' | ')}`
      const theirs = extractWithTar(archive, options)
      const strange = theirs.complaints.filter((line) => !KNOWN.some((known) => known.test(line)))
      expect(strange, what).toEqual([])
      const ours = await select(archive, options).catch((error: unknown) => error as Error)
      // A link that tar cannot make takes part in collisions that tar does not have.
      if (ours instanceof Error) expect(ours.message, what).toContain('on the way is no directory')
      if (ours instanceof Error || ours.lateSymlink || theirs.complaints.some((line) => COLLISION.test(line))) {
        collisions++
        continue
      }
      compare(ours, theirs, what)
      if (ours.entries.size > 0) chosen++
    }
    expect(collisions).toBeLessThan(cases / 10)
    expect(chosen).toBeGreaterThan(cases / 4)
  }, 120_000)
})
