import { describe, expect, it } from 'vitest'
import { jsonReport } from '../../src/report/json-report.ts'
import { plainReport } from '../../src/report/plain-report.ts'

const LINES = [
  ['plain', 'plain', 'plain'],
  ['a colour', '\u001b[1;31mred\u001b[0m', 'red'],
  ['a window title', '\u001b]0;mine\u0007text', 'text'],
  ['a clipboard that is set', '\u001b]52;c;aGk=\u001b\\text', 'text'],
  ['a cleared screen in eight bits', '\u009b2Jtext', 'text'],
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
})
