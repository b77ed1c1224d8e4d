import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Environment } from '../../src/import/dockerfile/environment.ts'
import { readExpression, Unreadable } from '../../src/import/dockerfile/expression.ts'
import { changeEnvironment } from '../../src/oci/environment.ts'
import { fuzz } from '../support/fuzz.ts'

/** What a Dockerfile means, looked up at once: the base is known here. */
function evaluated(base: ReadonlyMap<string, string>, lines: readonly (readonly [string, string])[][]) {
  const now = new Map(base)
  for (const line of lines) {
    const before = new Map(now)
    for (const [name, text] of line) {
      const value = text.replace(/\$(?:(\w+)|\{(\w+)(:[-+])?([^}]*)\})/g, (_, plain, braced, form, word) => {
        const found = before.get(plain ?? braced) ?? ''
        const expanded = (word ?? '').replace(/\$(\w+)/g, (_: string, inner: string) => before.get(inner) ?? '')
        if (form === ':-') return found === '' ? expanded : found
        return form === ':+' ? (found === '' ? '' : expanded) : found
      })
      now.set(name, value)
    }
  }
  return now
}

const name = fc.constantFrom('A', 'B', 'C', 'PATH')
const piece = fc.oneof(
  fc.constantFrom('x', '/y', ':', '', '1_'),
  name.map((one) => `$${one}`),
  name.map((one) => `\${${one}}`),
  fc
    .tuple(name, fc.constantFrom(':-', ':+'), fc.constantFrom('w', '$A', ''))
    .map(([one, form, word]) => `\${${one}${form}${word}}`),
)
const pair = fc.tuple(
  name,
  fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join('')),
)
const lines = fc.array(fc.uniqueArray(pair, { minLength: 1, maxLength: 2, selector: ([one]) => one }), { maxLength: 5 })

describe('the environment that ENV instructions make', () => {
  it('is in config.env what Docker makes of it, whatever the base has', () => {
    let refused = 0
    fc.assert(
      fc.property(lines, fc.dictionary(name, fc.constantFrom('', 'base', '/bin:/usr/bin')), (instructions, base) => {
        const environment = new Environment()
        try {
          for (const line of instructions) environment.set(line.map(([key, text]) => [key, readExpression(text)]))
        } catch (error) {
          if (!(error instanceof Unreadable)) throw error
          refused++
          return
        }
        const entries = environment.entries()
        const written = entries.filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string')
        if (written.length < entries.length) {
          refused++
          return
        }
        // PATH is never nothing for ocibake.
        const known = new Map(Object.entries({ PATH: '/bin', ...base, ...(base.PATH === '' ? { PATH: '/bin' } : {}) }))
        const pairs = [...known].map(([key, value]) => `${key}=${value}`)
        const changed = changeEnvironment(pairs, Object.fromEntries(written))
        const wanted = [...evaluated(known, instructions)].map(([key, value]) => `${key}=${value}`)
        expect(changed.sort()).toEqual(wanted.sort())
      }),
      fuzz(400),
    )
    expect(refused).toBeLessThan(fuzz(400).numRuns! / 2)
  })

  it.each([
    [`a'$b'c`, ['a$bc']],
    ['"a\\"b$X"', ['a"b', { name: 'X' }]],
    ['a\\$b\\ c', ['a$b c']],
    ['$1$X2$', [{ name: '1' }, { name: 'X2' }, '$']],
    [`\${X:-a"b c"}`, [{ name: 'X', form: ':-', word: ['ab c'] }]],
    [`\${X-}`, [{ name: 'X', form: ':-', word: [], onlyUnset: true }]],
    [`\${X:?gone}`, [{ name: 'X' }]],
  ])('is read as Docker reads it: %j', (text, wanted) => {
    expect(readExpression(text)).toEqual(wanted)
  })

  it.each(["'a", '"a', `\${X`, `\${X#a}`, `\${}`])('refuses what no spec can have: %j', (text) => {
    expect(() => readExpression(text)).toThrow(Unreadable)
  })

  it('says why a text that only the base knows has no value', () => {
    const environment = new Environment()
    environment.set([['A', readExpression('a')]])
    expect(environment.text(readExpression('$A/b'))).toBe('a/b')
    expect(() => environment.text(readExpression('$HOME'))).toThrow('$HOME is a variable of the base')
  })
})
