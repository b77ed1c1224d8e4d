import { describe, expect, it } from 'vitest'
import { readJson } from '../../../src/import/packer-json/read-json.ts'
import { SourceText } from '../../../src/import/source-text.ts'
import { Mixed, Reference, Unknown, type Value } from '../../../src/import/value.ts'
import { NOTHING_GIVEN } from '../../support/hcl.ts'

const VARIABLES = {
  name: 'Web Shop',
  version: '1.2.3',
  missing: null,
  token: 'hidden',
  twice: '{{user `name`}}/{{user `name`}}',
  loop: '{{user `loop`}}',
}

/** What a text in a provisioner of a JSON template comes to. */
async function rendered(text: string, variables: object = VARIABLES) {
  const template = { variables, builders: [{ type: 'docker', name: 'main' }], provisioners: [{ type: 'shell', text }] }
  const source = new SourceText('dir/t.json', JSON.stringify(template))
  const { builds, findings, variables: found } = await readJson(source, NOTHING_GIVEN)
  return {
    value: builds[0]!.provisioners[0]!.attributes.get('text')!.value,
    findings,
    says: findings.map(({ says }) => says),
    found,
  }
}

const version = new Reference('version', '1.2.3')
const unknown = (text: string) => new Mixed([new Unknown(text, expect.any(String))])

describe('a text of a JSON template', () => {
  it.each<[string, Value]>([
    ['plain } text {', 'plain } text {'],
    ['{{user `version`}}', new Mixed([version])],
    ['v{{ user "version" }}-{{- user `version` -}} -x', new Mixed(['v', version, '-', version, '-x'])],
    ['{{build_name}} {{ build_type }}', 'main docker'],
    ['{{template_dir}}/x', 'dir/x'],
    ['{{pwd}}', NOTHING_GIVEN.cwd],
    ['a{{/* a comment */}}b', 'ab'],
    ['{{`{{raw}}`}} {{"}}"}} {{5}}', '{{raw}} }} 5'],
    ['{{upper build_name}} {{build_type | upper | lower}}', 'MAIN docker'],
    ['{{split "a-b-c" "-" 1}}', 'b'],
    ['{{replace "a" "x" 1 "aaa"}} {{"aaa" | replace_all "a" "y"}} {{replace "a" "z" -1 "aa"}}', 'xaa yyy zz'],
    ['{{clean_resource_name "a_b c"}}', 'a-b-c'],
    ['{{upper (lower "A")}}', 'A'],
    ['{{ .Vars }} {{.Path}} {{.EnvVarFile | upper}}', '{{ .Vars }} {{.Path}} {{.EnvVarFile | upper}}'],
    ['{{user `twice`}}', new Mixed([new Reference('twice', 'Web Shop/Web Shop')])],
    ['{{ unfinished', '{{ unfinished'],
    ['{{ "unfinished }}', '{{ "unfinished }}'],
  ])('%j', async (text, value) => {
    const { value: found, findings } = await rendered(text)
    expect({ found, findings: findings.filter(({ says }) => !says.includes('loop')) }).toEqual({
      found: value,
      findings: [],
    })
  })

  it.each<[string, Value, string]>([
    [
      '{{user `name` | upper}}',
      'WEB SHOP',
      '`{{user `name` | upper}}` is fixed to "WEB SHOP" (evaluated with name = "Web Shop").',
    ],
    [
      '{{upper (user `token`)}}',
      'HIDDEN',
      '`{{upper (user `token`)}}` is fixed to what it is now (evaluated with token = …).',
    ],
    ['{{timestamp}}', unknown('{{timestamp}}'), '`{{timestamp}}` has no value here: it is the time of each build'],
    ['{{isotime "2006" | upper}}', unknown('{{isotime "2006" | upper}}'), 'it is the time of each build'],
    ['{{user `none`}}', unknown('{{user `none`}}'), "no variable is called 'none'"],
    ['{{env `HOME`}}', unknown('{{env `HOME`}}'), 'in "variables" only'],
    ['{{nonsense 1}}', unknown('{{nonsense 1}}'), 'there is no function nonsense'],
    ['{{lower (user `missing`)}}', unknown('{{lower (user `missing`)}}'), '--var missing='],
    ['{{split "a" "-" 1}}', unknown('{{split "a" "-" 1}}'), 'no part 1'],
    ['{{upper}}', unknown('{{upper}}'), 'an argument is missing'],
    ['{{"a" "b"}}', unknown('{{"a" "b"}}'), 'no function'],
    ['{{ = }}', unknown('{{ = }}'), 'no action'],
    ['a{{if true}}b{{end}}', unknown('a{{if true}}b{{end}}'), 'conditions and loops'],
    ['{{user `loop`}}', new Mixed([new Reference('loop', undefined)]), "the variable 'loop' is made of itself"],
  ])('%j', async (text, value, says) => {
    const { value: found, says: all } = await rendered(text)
    expect(found).toEqual(value)
    expect(all.join('\n')).toContain(says)
  })

  it('may ask for a variable that is given but not declared', async () => {
    const template = { builders: [{ type: 'docker', image: '{{user `a`}}:{{user "b"}}' }] }
    const source = new SourceText('t.json', JSON.stringify(template))
    const { builds, variables } = await readJson(source, { ...NOTHING_GIVEN, vars: { a: 'x', b: 'y' } })
    const image = new Mixed([new Reference('a', 'x'), ':', new Reference('b', 'y')])
    expect(builds[0]!.source.attributes.get('image')!.value).toEqual(image)
    expect(variables.map(({ name, value }) => [name, value])).toEqual([
      ['a', 'x'],
      ['b', 'y'],
    ])
  })

  it('does not become larger without end by variables made of variables', async () => {
    const names = Array.from({ length: 45 }, (_, n) => [`v${n + 1}`, `{{user \`v${n}\`}}{{user \`v${n}\`}}`])
    await expect(rendered('x', Object.fromEntries([['v0', 'aaaa'], ...names]))).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringContaining('too much'),
    })
  })
})
