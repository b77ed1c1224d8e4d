import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonFault } from '../../src/registry/json-fault.ts'

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test.each([
  ['', 'line 1, column 1'],
  ['{', 'line 1, column 2'],
  ['{"a": 1,}', 'line 1, column 9'],
  ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3'],
  ['[1, 2', 'line 1, column 6'],
  ['{"a" 1}', 'line 1, column 6'],
  ['{} {}', 'line 1, column 4'],
  ['\ufeff{}', 'line 1, column 1'],
  ["{'a': 1}", 'line 1, column 2'],
])('%j stops being JSON at %s', (text, place) => {
  expect(jsonFault(text)).toBe(place)
})

test('a text has a fault exactly when JSON.parse refuses it, also after small damage', () => {
  const damaged = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', '0', '-', '.', 'e', '\n', 'x'),
    )
    .map(([text, at, piece]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + piece + text.slice(place + (at % 2))
    })
  fc.assert(
    fc.property(fc.oneof(fc.json(), damaged), (text) => {
      expect(jsonFault(text) === undefined).toBe(parses(text))
    }),
    { numRuns: 2000 },
  )
})
