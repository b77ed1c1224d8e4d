import fc from 'fast-check'
import { expect, test } from 'vitest'
import { licenseExpression } from '../../src/sbom/license-expression.ts'
import { fuzz } from '../support/fuzz.ts'

test.each([
  ['MIT'],
  ['mit', 'MIT'],
  ['GPL-2.0+'],
  ['Apache-2.0+'],
  ['GPL-2.0-only WITH Classpath-exception-2.0'],
  ['(MIT OR Apache-2.0) AND BSD-3-Clause'],
  ['( (MIT) )', '((MIT))'],
  [
    'MIT OR (GPL-2.0-or-later WITH classpath-exception-2.0 AND ISC)',
    'MIT OR (GPL-2.0-or-later WITH Classpath-exception-2.0 AND ISC)',
  ],
])('%s is a license expression', (text, expected = text) => {
  expect(licenseExpression(text)).toBe(expected)
})

test.each([
  [''],
  ['MIT License'],
  ['BSD'],
  ['GPL2'],
  ['MIT Apache-2.0'],
  ['MIT AND'],
  ['AND MIT'],
  ['(MIT'],
  ['MIT)'],
  [')MIT('],
  ['()'],
  ['MIT or ISC'],
  ['MIT WITH ISC'],
  ['(MIT) WITH Classpath-exception-2.0'],
  ['MIT WITH Classpath-exception-2.0 WITH Classpath-exception-2.0'],
  ['LicenseRef-ours'],
  ['NONE'],
  ['constructor'],
  [`${'('.repeat(5000)}MIT${')'.repeat(5000)}`],
])('%j is none', (text) => {
  expect(licenseExpression(text)).toBeUndefined()
})

test('what is taken is taken again, unchanged', () => {
  const words = fc.constantFrom('MIT', 'isc', 'GPL-2.0+', '(', ')', 'AND', 'OR', 'WITH', 'Bison-exception-2.2', 'x')
  const taken = new Set<string>()
  fc.assert(
    fc.property(fc.array(words, { maxLength: 7 }), (tokens) => {
      const read = licenseExpression(tokens.join(' '))
      if (read !== undefined) taken.add(read)
      expect(read === undefined ? undefined : licenseExpression(read)).toBe(read)
    }),
    fuzz(3000),
  )
  expect(taken.size).toBeGreaterThan(5)
})
