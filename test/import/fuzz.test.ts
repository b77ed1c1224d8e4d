// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is HCL's syntax, too
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors.ts'
import { readJson } from '../../src/import/packer-json/read-json.ts'
import { SourceText } from '../../src/import/source-text.ts'
import { fuzz, orRefusedLater } from '../support/fuzz.ts'
import { evaluated, NOTHING_GIVEN, readText } from '../support/hcl.ts'
import { outline } from '../support/template-outline.ts'

const CODES: readonly ErrorCode[] = ['TEMPLATE_INVALID', 'USAGE']
const FIXTURES = join(import.meta.dirname, 'fixtures')
const fixture = (name: string) => readFileSync(join(FIXTURES, name), 'utf8')

const HCL_WORDS = [
  ...'{}[]()=,.:?"*~&|!<>+-/%$#\\\n'.split(''),
  ...[
    '${',
    '%{',
    '$${',
    '<<EOT\n',
    '<<-A\n',
    '\nEOT\n',
    '\n  A\n',
    '=>',
    '...',
    '&&',
    '||',
    '==',
    '>=',
    '//',
    '/*',
    '*/',
    '[*]',
    '.*',
  ],
  ...[
    'for ',
    ' in ',
    'if ',
    'else',
    'endif',
    'endfor',
    'true',
    'null',
    '1',
    '0.5',
    'é😀',
    '\0',
    '\r\n',
    '\t',
    '\u0085',
  ],
  ...[
    'var',
    'local',
    'x',
    'source "docker" "x" ',
    'build ',
    'sources = ["docker.x"]\n',
    'provisioner "shell" ',
    'dynamic "provisioner" ',
  ],
  ...[
    'variable "x" ',
    'default = ',
    'locals ',
    'x = ',
    'local.x',
    'var.x',
    'upper(',
    'regex(',
    'templatefile(',
    'range(9)',
    '"x"',
    '{{user `x`}}',
  ],
]
const JSON_WORDS = [
  ...'{}[]:,"\\.\n#/'.split(''),
  ...[
    '//',
    '/*',
    '*/',
    '.....',
    '"builders"',
    '"type"',
    '"docker"',
    '"variables"',
    '"provisioners"',
    '"post-processors"',
    '"only"',
    '"x"',
  ],
  ...[
    'null',
    'true',
    '-1e9',
    '{{user `x`}}',
    '{{',
    '}}',
    '`',
    ' | upper',
    '{{isotime}}',
    '\u0000',
    'é😀',
    '[{"type":"docker"}]',
  ],
]

const soup = (words: readonly string[]) =>
  fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((all) => all.join(''))

/** A text in which some places are cut out, doubled or replaced. */
function damaged(text: string, words: readonly string[]): fc.Arbitrary<string> {
  const cut = fc.record({
    at: fc.nat(text.length),
    length: fc.nat(40),
    by: fc.constantFrom('', ...words),
    twice: fc.boolean(),
  })
  return fc.array(cut, { minLength: 1, maxLength: 4 }).map((cuts) =>
    cuts.reduce((made, { at, length, by, twice }) => {
      const taken = made.slice(at, at + length)
      return made.slice(0, at) + by + (twice ? taken + taken : '') + made.slice(at + length)
    }, text),
  )
}

async function readHclOrRefuse(text: string): Promise<void> {
  const template = await orRefusedLater(CODES, () => readText(text))
  if ('builds' in template) outline(template)
}

async function readJsonOrRefuse(text: string): Promise<void> {
  const template = await orRefusedLater(CODES, () => readJson(new SourceText('t.json', text), NOTHING_GIVEN))
  if ('builds' in template) outline(template)
}

describe('a template from nowhere is read or refused', () => {
  it('of words of HCL', () => fc.assert(fc.asyncProperty(soup(HCL_WORDS), readHclOrRefuse), fuzz(200)))

  it('of words of HCL where a value is expected', () =>
    fc.assert(
      fc.asyncProperty(soup(HCL_WORDS), (text) =>
        readHclOrRefuse(`variable "x" {}\nsource "docker" "x" {\n a = ${text}\n}\nbuild {\n sources = ["docker.x"]\n}`),
      ),
      fuzz(150),
    ))

  it('of words of JSON', () => fc.assert(fc.asyncProperty(soup(JSON_WORDS), readJsonOrRefuse), fuzz(200)))

  it.each(['pinned/app.pkr.hcl', 'several/images.pkr.hcl', 'heredocs/app.pkr.hcl', 'odd-quoting/odd.pkr.hcl'])(
    'made of %s by damage',
    (name) => fc.assert(fc.asyncProperty(damaged(fixture(name), HCL_WORDS), readHclOrRefuse), fuzz(40)),
  )

  it.each(['nested-json/nested.json', 'broken-json/broken.json', 'clouds/clouds.json'])(
    'made of %s by damage',
    (name) => fc.assert(fc.asyncProperty(damaged(fixture(name), JSON_WORDS), readJsonOrRefuse), fuzz(50)),
  )
})

const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((value) => !value.includes('\0') && value.isWellFormed())
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc
      .double({ noNaN: true, noDefaultInfinity: true, min: 1e-6, max: 1e20 })
      .map((number) => Number(number.toFixed(6))),
    fc.integer({ min: 0 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

function asHcl(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(asHcl).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  return `{\n${Object.entries(value)
    .map(([name, inner]) => `  ${quoted(name)} = ${asHcl(inner)}\n`)
    .join('')}}`
}

function quoted(value: string): string {
  const escaped = value
    .replace(/[\\"]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
  // A sign before a brace, which may stand in what follows, opens an expression or escapes it.
  return `"${escaped.replace(/[$%](?=[$%]*(?:\{|$))/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}

describe('what is written is read', () => {
  it('as a literal of HCL', () =>
    fc.assert(
      fc.asyncProperty(anyValue, async (value) => {
        expect((await evaluated(asHcl(value))).value).toEqual(value)
      }),
      fuzz(100),
    ))

  it('as a heredoc', () =>
    fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 6 }), async (lines) => {
        const content = lines.map((line) => `${line.replace(/[$%]+(?=\{)/g, '')}\n`).join('')
        fc.pre(!/^\s*END\s*$/m.test(content))
        expect((await evaluated(`<<END\n${content}END`)).value).toBe(content)
      }),
      fuzz(100),
    ))

  it('as a text between expressions', () =>
    fc.assert(
      fc.asyncProperty(text, text, async (before, behind) => {
        const expression = `"${quoted(before).slice(1, -1)}\${"|"}${quoted(behind).slice(1, -1)}"`
        expect((await evaluated(expression)).value).toBe(`${before}|${behind}`)
      }),
      fuzz(100),
    ))
})
