import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readMarkdown } from '../support/markdown.ts'

const SOURCE = join(import.meta.dirname, '../../src/import')
const FIXTURES = join(import.meta.dirname, '../import')

/** id -> the kinds that the row names. */
const ROWS = new Map(
  [
    ...[readMarkdown('docs/packer.md'), readMarkdown('docs/dockerfile.md')]
      .join('\n')
      .matchAll(/^\| `(OB\d{3})` \| (\w+) \| (.*) \|$/gm),
  ].map(([, id, kind, text]) => [
    id!,
    [kind!, ...[...text!.matchAll(/`(todo|differs|defect|lifted|mapped)`/g)].map((match) => match[1]!)],
  ]),
)

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
}

describe('docs/packer.md and docs/dockerfile.md', () => {
  it('have a row for each finding that an import can have, and for no other', () => {
    const texts = filesIn(SOURCE, '.ts').map((file) =>
      readFileSync(file, 'utf8').replace(/^\s*(\*|\/\/|\/\*).*$/gm, ''),
    )
    const ids = new Set(texts.join('\n').match(/\bOB\d{3}\b/g))
    expect([...ROWS.keys()]).toEqual([...ids].sort())
  })

  it('say of each finding in a report what kind it is', () => {
    const headings = new Map([
      ['To do', 'todo'],
      ['Different', 'differs'],
      ['Defects', 'defect'],
      ['Lifted', 'lifted'],
      ['Mapped', 'mapped'],
    ])
    for (const file of filesIn(FIXTURES, '.import.md')) {
      let kind = ''
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        kind = headings.get(/^## (.*) \(\d+\)$/.exec(line)?.[1] ?? '') ?? kind
        const id = /^\| \S+:\d+ \| (OB\d{3}) \|/.exec(line)?.[1]
        if (id !== undefined) expect(ROWS.get(id), `${file}: ${line}`).toContain(kind)
      }
    }
  })
})
