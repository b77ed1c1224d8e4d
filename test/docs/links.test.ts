import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchorsOf, markdownFiles, proseOf, REPOSITORY } from '../support/markdown.ts'

/** Links of the form `[text](target)` and `[name]: target` that lead into the repository. */
const LINKS = markdownFiles().flatMap((file) => {
  const text = proseOf(file).replace(/`[^`\n]*`/g, '')
  const targets = [...text.matchAll(/\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]: +(\S+)/gm)].map((match) => match[1] ?? match[2]!)
  return targets.filter((target) => !/^[a-z]+:/i.test(target)).map((target) => ({ file, target }))
})

describe('links in the documentation', () => {
  it('are found', () => {
    expect(LINKS.length).toBeGreaterThan(20)
  })

  it.each(LINKS)('lead somewhere: $file -> $target', ({ file, target }) => {
    const [path = '', anchor] = target.split('#')
    const place = path === '' ? file : normalize(join(dirname(file), path))
    expect(existsSync(join(REPOSITORY, place)), place).toBe(true)
    if (anchor !== undefined) expect(anchorsOf(place)).toContain(anchor)
  })
})
