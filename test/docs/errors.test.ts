import { describe, expect, it } from 'vitest'
import { EXIT_CODES } from '../../src/errors.ts'
import { readMarkdown } from '../support/markdown.ts'

/** The rows of tables of four columns: code, exit code, meaning, what to do. */
function rows(): string[][] {
  const lines = readMarkdown('docs/errors.md').split('\n')
  return lines.filter((line) => /^\| `[A-Z_]+` \|/.test(line)).map((line) => line.split(' | ').map(cell))
}

const cell = (text: string) => text.replace(/^\| | \|$/g, '').trim()

describe('docs/errors.md', () => {
  it('has every code once, in the order of src/errors.ts, with its exit code', () => {
    const described = rows().map(([code, exit]) => [code!.replaceAll('`', ''), Number(exit)])
    expect(described).toEqual(Object.entries(EXIT_CODES))
  })

  it('says of each what it means and what to do', () => {
    for (const row of rows()) {
      expect(row).toHaveLength(4)
      for (const text of row.slice(2)) expect(text, row[0]).toMatch(/^[A-Z`[].*\.$/)
    }
  })

  it('explains every exit code', () => {
    const text = readMarkdown('docs/errors.md')
    for (const exit of new Set(Object.values(EXIT_CODES))) expect(text).toMatch(new RegExp(`^\\| ${exit} \\| `, 'm'))
  })
})
