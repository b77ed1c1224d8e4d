import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const read = (name: string) => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')
const rows = read('from-kaniko.md')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').slice(1, 3) as [kaniko: string, ocibake: string])

it('names only options that there are for each of kaniko', () => {
  expect(rows.length).toBeGreaterThan(20)
  const known = new Set(read('cli.md').match(/--[a-z-]+/g))
  for (const [kaniko, ocibake] of rows) {
    for (const option of ocibake.match(/--[a-z-]+/g) ?? []) expect(known, kaniko).toContain(option)
    expect(ocibake, kaniko).not.toContain('not there')
  }
})
