import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { fromText } from '../../src/oci/name.ts'
import { excludePattern, memberPattern } from '../../src/provision/wildcard.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { tarArchive } from '../support/tar-archive.ts'

const IN_PATTERNS = [
  'a',
  'b',
  'é',
  '*',
  '*',
  '?',
  '/',
  '[',
  ']',
  '-',
  '!',
  '^',
  '\\',
  '[a-c]',
  '[!a]',
  '[[:alpha:]]',
  '[[:foo:]]',
  '[=a=]',
  '[.-.]',
  ' ',
  '.',
]
const IN_NAMES = ['a', 'b', 'c', 'é', '日', '/', '/', '[', ']', '-', '!', '\\', ' ', '.', '*']

function randomText(random: Random, parts: readonly string[], most: number): string {
  return Array.from({ length: 1 + random.below(most) }, () => random.pick(parts)).join('')
}

function listedByTar(file: string, options: readonly string[]): string[] {
  const result = spawnSync(
    'tar',
    ['-tf', file, '--no-unquote', '--quoting-style=literal', '--show-stored-names', ...options],
    {
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
      encoding: 'latin1',
    },
  )
  return result.stdout.split('\n').filter((line) => line !== '')
}

describe('memberPattern and excludePattern', () => {
  const seed = Number(process.env.SEED ?? 20261122)

  it(`agree with GNU tar on 300 random patterns (SEED=${seed})`, async () => {
    const random = new Random(seed)
    const names = new Set<string>()
    // tar takes the folder away from a name's end and from its start; that is select's part.
    while (names.size < 300) names.add(randomText(random, IN_NAMES, 6).replace(/^[/.]+|\/+$/g, ''))
    names.delete('')
    const members = [...[...names].map(fromText), 'a\xff', 'b/\xffb'].map((name) => Buffer.from(name, 'latin1'))
    const file = join(await testFolder(), 'names.tar')
    writeFileSync(file, tarArchive(members.map((name) => ({ name }))))
    let matches = 0
    for (let i = 0; i < 300; i++) {
      const pattern = randomText(random, IN_PATTERNS, 6)
      const all = members.map((name) => name.toString('latin1'))
      const wanted = listedByTar(file, ['--wildcards', '--', pattern])
      expect(all.filter(memberPattern(pattern)), `pattern ${JSON.stringify(pattern)}`).toEqual(wanted)
      const kept = listedByTar(file, [`--exclude=${pattern}`])
      const excluded = excludePattern(pattern)
      expect(
        all.filter((name) => !excluded(name)),
        `exclude ${JSON.stringify(pattern)}`,
      ).toEqual(kept)
      matches += wanted.length
    }
    expect(matches).toBeGreaterThan(1000)
  }, 60_000)

  it.each([
    ['*/files', 'a/files/x/y', true],
    ['*/files', './a/files', true],
    ['*/files', 'files', false],
    ['*/files', 'a/filesystem', false],
    ['a?c', 'a/c', true],
    ['a/b/', 'a/b', true],
    ['A', 'a', false],
    ['?', 'é', true],
    ['[[:upper:]]', 'É', true],
    ['a[', 'a[', true],
    ['a\\', 'a\\', false],
    ['[]-]x', '-x', true],
    ['', 'a', false],
  ])('the wildcard %j takes %j: %j', (pattern, name, expected) => {
    expect(memberPattern(pattern)(fromText(name))).toBe(expected)
  })

  it.each([
    ['b', 'a/b/c', true],
    ['b/c', 'a/b/c/d', true],
    ['b/', 'a/b/c', false],
    ['*.o', 'a/b.o', true],
    ['/b', 'a/b', false],
  ])('the exclude %j takes %j: %j', (pattern, name, expected) => {
    expect(excludePattern(pattern)(fromText(name))).toBe(expected)
  })

  it('takes time in proportion to the name, not to the power of the stars', () => {
    const match = () => [
      memberPattern(`${'*a'.repeat(30)}b`)('a'.repeat(4000)),
      excludePattern('*a?*[ab]*b')(`${'a'.repeat(200)}/`.repeat(20)),
    ]
    // To the power of the stars, it would outlive whoever waits; only V8 itself can end what does not yield.
    expect(runInNewContext('match()', { match }, { timeout: 60_000 })).toEqual([false, false])
  })
})
