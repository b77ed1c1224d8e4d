import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silent } from '../../src/events.ts'
import { IgnoreRules } from '../../src/import/dockerfile/ignore-rules.ts'
import { type HostNode, hostSource } from '../../src/provision/host-source.ts'
import { fuzz } from '../support/fuzz.ts'

const FILES = [
  'a',
  'b.md',
  'c/a',
  'c/b.md',
  'c/d/a',
  'c/d/b.md',
  'c/d/e/a',
  'd/a',
  'd/c/a',
  'd/c/b.md',
  'e/f.log',
  'e/g/f.log',
]

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocibake-ignore-'))
  for (const file of FILES) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), '')
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The files that a `copy` step takes of a folder. */
function copied(from: string, exclude: readonly string[]): string[] {
  const source = hostSource({ copy: join(folder, from), exclude }, { ownOutputs: new Set(), report: silent })
  const files = (node: HostNode, path: string): string[] => {
    if (node.kind !== 'directory') return [path]
    return [...node.children].flatMap(([name, child]) => files(child, path === '' ? name : `${path}/${name}`))
  }
  return source === undefined ? [] : files(source, '').sort()
}

const kept = (text: string, from = '') =>
  FILES.filter((file) => from === '' || file.startsWith(`${from}/`))
    .filter((file) => !new IgnoreRules(text).ignores(file))
    .map((file) => (from === '' ? file : file.slice(from.length + 1)))
    .sort()

describe('.dockerignore', () => {
  it.each([
    ['*.md', ['a', 'c/a', 'c/b.md']],
    ['**/*.md', ['a', 'c/a']],
    ['c', ['a', 'b.md']],
    ['/c/', ['a', 'b.md']],
    ['*/a', ['a', 'b.md', 'c/b.md']],
    ['*\n!c/a', ['c/a']],
    ['c\n!c/a', ['a', 'b.md', 'c/a']],
    ['# a\n\n  a  \n', ['b.md', 'c/a', 'c/b.md']],
    ['../a', ['b.md', 'c/a', 'c/b.md']],
    ['?', ['b.md']],
    ['[a-b]*', ['c/a', 'c/b.md']],
  ])('%j leaves what Docker leaves', (text, left) => {
    expect(kept(text).filter((file) => ['a', 'b.md', 'c/a', 'c/b.md'].includes(file))).toEqual(left)
  })

  it('is said exactly by `exclude`, but for what is reported', () => {
    const part = fc.constantFrom('a', 'b.md', 'c', 'd', 'e', 'f.log', '*', '**', '*.md', '?', '[cd]')
    const pattern = fc.tuple(fc.constantFrom('', '', '!'), fc.array(part, { minLength: 1, maxLength: 3 }))
    const lines = fc.array(
      pattern.map(([back, parts]) => back + parts.join('/')),
      { maxLength: 5 },
    )
    fc.assert(
      fc.property(lines, fc.constantFrom('', 'c', 'c/d', 'd'), (patterns, from) => {
        const text = patterns.join('\n')
        const { exclude, inexact } = new IgnoreRules(text).exclusionBelow(from)
        if (inexact.length === 0) expect(copied(from, exclude), exclude.join(' ')).toEqual(kept(text, from))
      }),
      fuzz(500),
    )
  })
})
