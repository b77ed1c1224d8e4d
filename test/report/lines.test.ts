import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonReport } from '../../src/report/json-report.ts'
import { plainReport } from '../../src/report/plain-report.ts'
import { printable } from '../../src/report/printable.ts'
import { fuzz } from '../support/fuzz.ts'

const LINES = [
  ['plain', 'plain', 'plain'],
  ['a colour', '\u001b[1;31mred\u001b[0m', 'red'],
  ['a window title', '\u001b]0;mine\u0007text', 'text'],
  ['a clipboard that is set', '\u001b]52;c;aGk=\u001b\\text', 'text'],
  ['a cleared screen in eight bits', '\u009b2Jtext', 'text'],
  ['a reset, another character set, a scrolled region', 'a\u001bcb\u001b(Bc\u001b[1;24rd', 'abcd'],
  ['bells, backspaces and a lone escape', 'a\u0007b\u0008c\u001b', 'abc'],
  ['tabs and other alphabets', 'a\tпривіт 日本', 'a\tпривіт 日本'],
  ['a progress bar', 'dpkg 5%\rdpkg 50%\rdpkg 100%', 'dpkg 100%'],
  ['a progress bar that ends a line of DOS', '5%\r100%\r', '100%'],
  ['a line of carriage returns', '\r\r', ''],
] as const

describe('a line of a script', () => {
  it.each(LINES)('with %s is shown as a terminal would leave it', (_, line, wanted) => {
    const written: string[] = []
    plainReport((text) => written.push(text))({ type: 'output', step: 1, stream: 'stdout', line })
    expect(written).toEqual([`[1/0] | ${wanted}\n`])
  })

  it.each(LINES)('with %s stays as it is in JSON', (_, line) => {
    const written: string[] = []
    jsonReport((text) => written.push(text))({ type: 'output', step: 1, stream: 'stdout', line })
    expect(JSON.parse(written.join(''))).toMatchObject({ line })
  })

  it.each([
    ['returns', `${'\r'.repeat(65_000)}x`, 'x'],
    ['escape sequences without an end', 'a\u001b]'.repeat(21_000), 'a'],
  ])('of nothing but %s takes no more time than others', (_, line, wanted) => {
    // By the square of its length, each of them would take seconds.
    const lines = Array.from({ length: 60 }, () => printable(line))
    expect(lines).toEqual(lines.map(() => wanted))
  })

  it('holds nothing that a terminal would obey, whatever it is', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[\x00-\x1f\x80-\x9f[\]();0-9a-zA-Z?\\ -]{0,80}$/),
    )
    fc.assert(
      fc.property(text, (line) => {
        const shown = printable(line)
        expect(shown).toMatch(/^[^\x00-\x08\x0a-\x1f\x7f-\x9f]*$/)
        expect(printable(shown)).toBe(shown)
      }),
      fuzz(500),
    )
  })
})
