import { expect, test } from 'vitest'
import { LONGEST_LINE, OutputLines } from '../../src/provision/output-lines.ts'

function linesOf(...chunks: (string | Buffer)[]): string[] {
  const lines: string[] = []
  const cutter = new OutputLines((line) => lines.push(line))
  for (const chunk of chunks) cutter.push(Buffer.from(chunk))
  cutter.end()
  return lines
}

test.each([
  ['lines are cut at newlines', ['a\nb\n'], ['a', 'b']],
  ['a line may come in pieces', ['a', 'b\nc', 'd'], ['ab', 'cd']],
  ['empty lines are kept', ['\n\na\n'], ['', '', 'a']],
  ['a return before the newline is dropped', ['a\r\nb\rc\r\n'], ['a', 'b\rc']],
  ['a character may be cut between two chunks', [Buffer.from([0xc3]), Buffer.from([0xa4, 0x0a])], ['ä']],
  [
    'only the bytes that are no UTF-8 are escaped',
    [Buffer.from([0x61, 0xff, 0xc3, 0xa4, 0xe2, 0x82, 0x0a])],
    ['a\\xffä\\xe2\\x82'],
  ],
  [
    'an overlong or surrogate form is no UTF-8',
    [Buffer.from([0xc0, 0x80, 0xed, 0xa0, 0x80])],
    ['\\xc0\\x80\\xed\\xa0\\x80'],
  ],
  ['nothing is nothing', [], []],
])('%s', (_, chunks, expected) => {
  expect(linesOf(...chunks)).toEqual(expected)
})

test('a line without end comes in pieces that lose nothing and split no character', () => {
  const text = `x${'ä€😀'.repeat(40_000)}`
  const bytes = Buffer.from(text)
  const chunks = [bytes.subarray(0, 70_001), bytes.subarray(70_001, 70_002), bytes.subarray(70_002)]
  const lines = linesOf(...chunks)
  expect(lines.length).toBeGreaterThan(5)
  expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(LONGEST_LINE)
  expect(lines.join('')).toBe(text)
})
