import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDeb822Sources, parseSourcesList, readAptSources } from '../../src/provision/apt-sources.ts'

describe('the one-line format', () => {
  test.each([
    ['a plain line', 'deb http://a/debian bookworm main contrib', 'http://a/debian bookworm main,contrib -'],
    ['a trailing slash and a comment', 'deb http://a/debian/ bookworm main # why', 'http://a/debian bookworm main -'],
    ['options', 'deb [ arch=amd64 signed-by=/k.gpg ] http://a x main', 'http://a x main /k.gpg'],
    ['an indented line with tabs', '\tdeb\thttp://a\tx\tmain', 'http://a x main -'],
    ['a flat archive', 'deb http://a ./', 'http://a ./  -'],
  ])('reads %s', (_, line, want) => {
    expect(parseSourcesList(`${line}\n`).map(inOneLine)).toEqual([want])
  })

  test('passes over source packages, comments and nonsense', () => {
    expect(parseSourcesList('deb-src http://a x main\n# deb http://a x main\ndebx y\n\n')).toEqual([])
  })
})

describe('the deb822 format', () => {
  test('gives one source for each address and suite', () => {
    const text = 'Types: deb deb-src\nURIs: http://a http://b/\nSuites: x y\nComponents: main\nSigned-By: /k.gpg\n'
    expect(parseDeb822Sources(text).map(inOneLine)).toEqual([
      'http://a x main /k.gpg',
      'http://a y main /k.gpg',
      'http://b x main /k.gpg',
      'http://b y main /k.gpg',
    ])
  })

  test('reads folded fields, comments within a stanza, and field names in any case', () => {
    const text = 'types: deb\n# old: http://z\nURIS: http://a\nsuites: x\n# more\n y\nComponents: main\n'
    expect(parseDeb822Sources(text).map(inOneLine)).toEqual(['http://a x main -', 'http://a y main -'])
  })

  test('leaves out what is disabled, and takes a key in the stanza for no file', () => {
    const off = 'Enabled: no\nTypes: deb\nURIs: http://a\nSuites: x\nComponents: main\n'
    const key = 'Types: deb\nURIs: http://b\nSuites: x\nComponents: main\nSigned-By:\n -----BEGIN\n .\n -----END\n'
    expect(parseDeb822Sources(`${off}\n \n${key}`).map(inOneLine)).toEqual(['http://b x main -'])
  })
})

describe('the folder', () => {
  let etc = ''
  beforeAll(async () => {
    etc = await mkdtemp(join(tmpdir(), 'ocibake-test-'))
  })
  afterAll(() => rm(etc, { recursive: true }))

  test('is read in order of names, both formats, other files left alone', async () => {
    expect(await readAptSources(etc)).toEqual([])
    await mkdir(join(etc, 'sources.list.d'))
    await writeFile(join(etc, 'sources.list'), 'deb http://1 x main\n')
    await writeFile(join(etc, 'sources.list.d/b.list'), 'deb http://3 x main\n')
    await writeFile(join(etc, 'sources.list.d/a.sources'), 'Types: deb\nURIs: http://2\nSuites: x\n')
    await writeFile(join(etc, 'sources.list.d/c.list.save'), 'deb http://4 x main\n')
    expect((await readAptSources(etc)).map(({ uri }) => uri)).toEqual(['http://1', 'http://2', 'http://3'])
  })
})

function inOneLine(source: ReturnType<typeof parseSourcesList>[number]): string {
  return `${source.uri} ${source.suite} ${source.components.join(',')} ${source.signedBy ?? '-'}`
}
