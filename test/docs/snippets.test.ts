import { describe, expect, it } from 'vitest'
import { SNIPPETS } from '../../src/cli/options.ts'
import { SNIPPET_NAMES, snippet } from '../../src/doctor/snippets.ts'
import { fencesOf, proseOf } from '../support/markdown.ts'

describe('docs/sandboxes.md', () => {
  it.each(SNIPPET_NAMES)('has the job for %s that doctor prints', (name) => {
    const { title, text } = snippet(name)
    const texts = fencesOf('docs/sandboxes.md').map((fence) => fence.text)
    expect(texts).toContain(text)
    expect(proseOf('docs/sandboxes.md').replace(/\s+/g, ' ').toLowerCase()).toContain(`: ${title.toLowerCase()}`)
  })
})

it('the command line offers every job that there is', () => {
  expect(SNIPPETS).toEqual([...SNIPPET_NAMES])
})
