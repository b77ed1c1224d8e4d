// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of specs is under test
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { expandVariables } from '../../src/oci/expand-variables.ts'

const VALUES = { A: 'one', B_2: 'two', EMPTY: '', PATH: '/usr/bin:/bin' }
const values = new Map(Object.entries(VALUES))

describe('expanding variables', () => {
  it.each([
    ['', ''],
    ['plain', 'plain'],
    ['$A', 'one'],
    ['/x:$PATH', '/x:/usr/bin:/bin'],
    ['${A}${B_2}', 'onetwo'],
    ['$A$B_2', 'onetwo'],
    ['$A-$B_2.', 'one-two.'],
    ['$UNSET.', '.'],
    ['$AB', ''],
    ['${UNSET:-word}', 'word'],
    ['${EMPTY:-word}', 'word'],
    ['${A:-word}', 'one'],
    ['${UNSET:+word}', ''],
    ['${EMPTY:+word}', ''],
    ['${A:+word}', 'word'],
    ['${UNSET:-}', ''],
    ['${UNSET:-$A}', 'one'],
    ['${UNSET:-${EMPTY:-deep}}', 'deep'],
    ['${UNSET:-a${A:+b}c}d}', 'abcd}'],
    ['${UNSET:-a:-b}', 'a:-b'],
    ['${UNSET:-\\}}', '}'],
    ['\\$A', '$A'],
    ['\\${A}', '${A}'],
    ['a$', 'a$'],
    ['$ A', '$ A'],
    ['}', '}'],
    ['a\\b', 'a\\b'],
  ])('gives for %j what bash gives between double quotes: %j', (text, expanded) => {
    expect(expandVariables(text, values, 'x')).toBe(expanded)
    const script = ['--norc', '-c', `printf %s "${text}"`]
    expect(execFileSync('/bin/bash', script, { env: VALUES, encoding: 'utf8' })).toBe(expanded)
  })

  it('keeps a backslash before anything but a dollar sign', () => {
    expect(expandVariables('\\\\ \\n \\', values, 'x')).toBe('\\\\ \\n \\')
  })

  it('never expands a value again', () => {
    expect(expandVariables('$V', new Map([['V', '$A \\$ ${X']]), 'x')).toBe('$A \\$ ${X')
  })

  it.each(['${A', '${', '${}', '${A:-x', '${A:?x}', '${A-x}', '${A#x}', '${A/b/c}', '${!A}', '${A:-${B}', '${1}'])(
    'refuses %j',
    (text) => {
      const code = 'SPEC_INVALID'
      expect(() => expandVariables(text, values, 'config.env.X')).toThrow(expect.objectContaining({ code }))
    },
  )

  it('shows nothing of a value in its error', () => {
    expect(() => expandVariables('${A:?hunter2}', values, 'config.env.X')).toThrow("config.env.X has '${A'")
    expect(() => expandVariables('${A:?hunter2}', values, 'config.env.X')).not.toThrow(/hunter2/)
  })
})
