import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importDockerfile } from '../../src/import/dockerfile/import-dockerfile.ts'
import { SourceText } from '../../src/import/source-text.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocibake-dockerfile-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const imported = (lines: readonly string[]) =>
  importDockerfile(new SourceText('Dockerfile', lines.join('\n')), {
    ...{ current: folder, spec: folder, vars: {}, target: undefined, lift: true },
  })

/** The spec of the last image, as a build with these variables has it. */
function specOf(lines: readonly string[], vars: Record<string, string> = {}) {
  return specOfDraft(imported(lines).images.at(-1)!.draft, { vars, env: {}, folder })
}

describe('forms of variables in a Dockerfile', () => {
  it.each([
    ['ARG A=1', `\${A:+yes}\${A+yes}`, 'yesyes'],
    ['ARG A', `\${A:+yes}\${A+yes}`, ''],
    ['ARG A', `\${A:-no}`, 'no'],
    ['ARG A', `\${A-no}`, 'no'],
    ['ARG A=1', `\${A:-no}\${A-no}`, '11'],
    ['ARG A=1\nARG B', `\${B:-$A}`, '1'],
    ['ENV A=1', `\${A:+yes}\${A:-no}`, 'yes1'],
    ['ENV A=', `\${A:+yes}\${A:-no}\${A+set}\${A-unset}`, 'noset'],
    ['ARG B\nENV A=$B', `\${A:+yes}\${A:-no}`, 'no'],
    ['ENV A=1\nFROM one', `\${A:+yes}\${A:-no}`, 'yes1'],
    ['ENV A=\nFROM one', `\${A:+yes}\${A:-no}\${A+set}\${A-unset}`, 'noset'],
  ])('behind %j, %s is %j', (before, form, wanted) => {
    const { config } = specOf(['FROM debian AS one', before, `LABEL is="${form}"`])
    expect(config).toMatchObject({ labels: { is: wanted } })
  })

  it('are defaults of the spec where an ARG has none, and elsewhere said to be what they are now', () => {
    const lines = [
      'ARG TAG',
      `FROM debian:\${TAG:-12}`,
      'ARG V',
      `ENV W=\${V-2} V=\${V:-1.0}`,
      'ARG D',
      `LABEL d=\${D:+x}`,
    ]
    const from = 'debian:12'
    expect(specOf(lines)).toEqual({ from, config: { env: { V: '1.0', W: '2' }, labels: { d: '' } } })
    expect(specOf(lines, { V: '3', TAG: '13' })).toMatchObject({
      from: 'debian:13',
      config: { env: { V: '3', W: '3' } },
    })
    const decided = imported(lines).findings.filter(({ id }) => id === 'OB248')
    expect(decided).toMatchObject([{ place: { line: 6 }, says: expect.stringContaining(`\${D:+…}`) }])
  })
})
