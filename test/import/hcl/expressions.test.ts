// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is HCL's syntax, too
import { describe, expect, it } from 'vitest'
import { Mixed, Reference, Unknown, type Value } from '../../../src/import/value.ts'
import { evaluated } from '../../support/hcl.ts'

const VARIABLES = `
variable "version" { default = "1.2" }
variable "port" {
  type = number
  default = 80
}
variable "debug" {
  type = bool
  default = true
}
variable "list" {
  type = list(string)
  default = ["a", "b"]
}
variable "missing" {}
`
const version = new Reference('version', '1.2')

describe('an expression of literals', () => {
  it.each<[string, Value]>([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['7 % 4 - -1', 4],
    ['10 / 4', 2.5],
    ['"5" + 1', 6],
    ['1 < 2 && !(2 >= 3)', true],
    ['1 == 1 ? "yes" : "no"', 'yes'],
    ['"1" == 1', false],
    ['[1, "a", true, null]', [1, 'a', true, null]],
    ['{ a = 1, "b c" = 2, ("d${1}") : 3 }', { a: 1, 'b c': 2, d1: 3 }],
    ['{ parts = 1, unknown = 2 }', { parts: 1, unknown: 2 }],
    ['{ a = [1, { b = "deep" }] }.a[1].b', 'deep'],
    ['["x", "y"].1', 'y'],
    ['{ a = { "b-c" = 1 } }["a"]["b-c"]', 1],
    ['[{ n = "a" }, { n = "b" }][*].n', ['a', 'b']],
    ['[{ n = ["a"] }, { n = ["b"] }].*.n[0]', ['a']],
    ['[{ n = ["a"] }, { n = ["b"] }][*].n[0]', ['a', 'b']],
    ['{ n = 1 }[*].n', [1]],
    ['null[*]', []],
    ['[for x in ["b", "a"] : upper(x)]', ['B', 'A']],
    ['[for i, x in ["b", "a"] : "${i}${x}"]', ['0b', '1a']],
    ['[for k, v in { z = 1, a = 2 } : "${k}=${v}"]', ['a=2', 'z=1']],
    ['{ for x in ["a", "b"] : x => upper(x) if x != "b" }', { a: 'A' }],
    ['{ for x in ["a", "b", "c"] : x == "c" ? "k" : "l" => x... }', { l: ['a', 'b'], k: ['c'] }],
    ['max([1, 5, 3]...)', 5],
    ['-2', -2],
    ['1.5e3', 1500],
    ['"a${1.50}b${true}"', 'a1.5btrue'],
    ['"${[1, 2]}"', [1, 2]],
    ['"$${x} %%{y} $x %y $$ 100%"', '${x} %{y} $x %y $$ 100%'],
    ['"\\t\\"\\\\\\n\\u00e9\\U0001F600"', '\t"\\\né😀'],
    ['"  spaces kept  "', '  spaces kept  '],
    ['"# no comment // here /* nor */ here"', '# no comment // here /* nor */ here'],
    ['[ # one\n 1, // two\n /* three */ 2,\n]', [1, 2]],
    ['"a %{ if true ~}  yes  %{~ else }no%{ endif } b"', 'a yes b'],
    ['"%{ for x in [1, 2] }<${x}>%{ endfor }"', '<1><2>'],
    ['"%{ for i, x in ["a"] }${i}${x}%{ endfor }"', '0a'],
    ['"a  ${~ "b" ~}  c"', 'abc'],
    ['""', ''],
    ['"${"nested ${"deep"}"}"', 'nested deep'],
    ['"${ {a=1}.a }}"', '1}'],
    ['{}', {}],
    ['[]', []],
    ['{ 1 = "a", true = "b", "" = "c" }', { 1: 'a', true: 'b', '': 'c' }],
    ['{\n  a = 1\n  b = 2, c: 3\n\n}', { a: 1, b: 2, c: 3 }],
    ['false ? { x = 1 } : {}', {}],
    ['(true ||\n  false)', true],
    ['true || false && false', true],
    ['!true == false', true],
    ['1 + 1 == 2 && "a" != "b"', true],
    ['[for s in ["a", ""] : s if s != ""]', ['a']],
    ['merge({ for k, v in { a = 1 } : k => v }, {\n  b = 2,\n})', { a: 1, b: 2 }],
    ['upper(\n  "a",\n)', 'A'],
    ['[\n  <<A\nx ${1}\nA\n  ,\n  "y"\n]', ['x 1\n', 'y']],
    ['upper(<<A\nx\nA\n)', 'X\n'],
    ['"~/.ssh/$HOME/$(id)/%d/%s"', '~/.ssh/$HOME/$(id)/%d/%s'],
    ['"$"', '$'],
    ['"${1}${2}"', '12'],
    ['"é${1}😀${2}"', 'é1😀2'],
    ['{ format = 1, nullable = 2, in_x = 3, forx = 4 }', { format: 1, nullable: 2, in_x: 3, forx: 4 }],
    ['1#comment', 1],
    ['1 // comment', 1],
  ])('%s', async (expression, value) => {
    expect(await evaluated(expression)).toEqual({ value, findings: [], says: [] })
  })
})

describe('a heredoc', () => {
  it.each<[string, string, string]>([
    ['keeps its last newline', '<<EOT\na\n  b\nEOT', 'a\n  b\n'],
    ['is empty when the delimiter follows at once', '<<EOT\nEOT', ''],
    ['keeps indentation without a dash', '<<EOT\n  a\n  EOT', '  a\n'],
    ['loses what all lines have with a dash', '<<-EOT\n    a\n      b\n\n    c\n    EOT', 'a\n  b\n\nc\n'],
    ['keeps the spaces of blank lines', '<<-EOT\n    a\n  \n    b\n  EOT', 'a\n  \nb\n'],
    ['loses nothing when one line begins with an expression', '<<-EOT\n    a\n${1}\n    EOT', '    a\n1\n'],
    ['counts indentation before an expression', '<<-EOT\n    ${1}\n      a\n    EOT', '1\n  a\n'],
    ['takes backslashes and quotes as they are', '<<EOT\n\\n "x" \\d\nEOT', '\\n "x" \\d\n'],
    ['has escapes for braces', '<<EOT\n$${a} %%{b} ${"c"}\nEOT', '${a} %{b} c\n'],
    ['may begin lines with its delimiter', '<<EOT\nEOTX\n EOT y\nE\nEOT', 'EOTX\n EOT y\nE\n'],
    ['has comments as text', '<<EOT\n# a\n// b\nEOT', '# a\n// b\n'],
    ['has loops whose lines vanish', '<<EOT\n%{ for x in [1, 2] ~}\n<${x}>\n%{ endfor ~}\nend\nEOT', '<1>\n<2>\nend\n'],
    ['takes the white space of one line only', '<<EOT\n  %{ if true ~}\n  a\n  %{ endif ~}\nEOT', '    a\n  '],
    ['may stand in a list', '[<<A\nx\nA\n, <<B\ny\nB\n][1]', 'y\n'],
    ['may have windows newlines', '<<EOT\r\na\r\nEOT', 'a\r\n'],
    ['may have another heredoc in it', '<<A\n${<<B\nx\nB\n}y\nA', 'x\ny\n'],
  ])('%s', async (_, expression, value) => {
    expect((await evaluated(expression)).value).toBe(value)
  })
})

describe('a variable', () => {
  it.each<[string, Value]>([
    ['var.version', new Mixed([version])],
    ['"${var.version}"', new Mixed([version])],
    ['var["version"]', new Mixed([version])],
    ['"v${var.version}-${var.port}"', new Mixed(['v', version, '-', new Reference('port', '80')])],
    ['var.missing', new Mixed([new Reference('missing', undefined)])],
    ['["a", "b${var.version}"]', ['a', new Mixed(['b', version])]],
    ['concat(["a"], [var.version])', ['a', new Mixed([version])]],
    ['merge({ a = 1 }, { b = var.version })', { a: 1, b: new Mixed([version]) }],
    ['join(",", ["a", var.version])', new Mixed(['a,', version])],
    ['format("%s:%s%%", "a", var.version)', new Mixed(['a:', version, '%'])],
    ['[for k, v in { a = var.version } : "${k}=${v}"]', [new Mixed(['a=', version])]],
    ['<<EOT\nversion ${var.version}\nEOT', new Mixed(['version ', version, '\n'])],
    ['{ a = var.version }.a', new Mixed([version])],
    ['true ? var.version : "x"', new Mixed([version])],
    ['lookup({ a = var.version }, "a", "b")', new Mixed([version])],
    ['try(var.version, "x")', new Mixed([version])],
    ['convert(var.version, string)', new Mixed([version])],
  ])('stays one in %s', async (expression, value) => {
    expect(await evaluated(expression, VARIABLES)).toEqual({ value, findings: [], says: [] })
  })

  it.each<[string, Value, string]>([
    [
      'upper("v${var.version}")',
      'V1.2',
      '`upper("v${var.version}")` is fixed to "V1.2" (evaluated with version = "1.2").',
    ],
    ['var.port + 1', 81, '`var.port + 1` is fixed to 81 (evaluated with port = 80).'],
    ['var.port == 80', true, '`var.port == 80` is fixed to true (evaluated with port = 80).'],
    ['"${var.port}" == 80', true, '`"${var.port}" == 80` is fixed to true (evaluated with port = 80).'],
    ['var.debug ? "a" : "b"', 'a', '`var.debug` is fixed to true (evaluated with debug = true).'],
    ['var.list', ['a', 'b'], '`var.list` is fixed to ["a","b"] (evaluated with list = ["a","b"]).'],
    ['[for x in var.list : x]', ['a', 'b'], '`var.list` is fixed to ["a","b"] (evaluated with list = ["a","b"]).'],
    [
      'lower(upper(var.version))',
      '1.2',
      '`lower(upper(var.version))` is fixed to "1.2" (evaluated with version = "1.2").',
    ],
    [
      'replace(var.version, ".", var.port)',
      '1802',
      '`replace(var.version, ".", var.port)` is fixed to "1802" (evaluated with version = "1.2", port = 80).',
    ],
    ['{ (var.version) = 1 }', { '1.2': 1 }, '`(var.version)` is fixed to "1.2" (evaluated with version = "1.2").'],
    ['"%{ if var.debug }x%{ endif }"', 'x', '`var.debug` is fixed to true (evaluated with debug = true).'],
  ])('is fixed, and reported, in %s', async (expression, value, says) => {
    expect(await evaluated(expression, VARIABLES)).toMatchObject({ value, says: [says], findings: [{ id: 'OB140' }] })
  })

  it('is shown nowhere when it is sensitive', async () => {
    const more =
      'variable "x" {\n  default = "hidden"\n  sensitive = true\n}\nvariable "db_password" { default = "hidden" }'
    const { says } = await evaluated('[upper(var.x), lower(var.db_password)]', more)
    expect(says).toEqual([
      '`upper(var.x)` is fixed to what it is now (evaluated with x = …).',
      '`lower(var.db_password)` is fixed to what it is now (evaluated with db_password = …).',
    ])
  })
})

describe('what nobody knows before a build', () => {
  it.each<[string, Value, string]>([
    ['timestamp()', new Unknown('timestamp()', expect.any(String)), 'timestamp()'],
    ['"a-${timestamp()}"', new Mixed(['a-', new Unknown('timestamp()', expect.any(String))]), 'timestamp()'],
    ['upper(uuidv4())', new Unknown('upper(uuidv4())', expect.any(String)), 'upper(uuidv4())'],
    [
      'upper(var.missing)',
      new Unknown('upper(var.missing)', expect.stringContaining('--var missing=')),
      'upper(var.missing)',
    ],
    ['data.amazon-ami.x.id', new Unknown('data.amazon-ami.x.id', expect.any(String)), 'data.amazon-ami.x.id'],
    ['packer.version', new Unknown('packer.version', expect.any(String)), 'packer.version'],
    ['vault("a", "b")', new Unknown('vault("a", "b")', expect.any(String)), 'vault("a", "b")'],
    ['try(timestamp(), "x")', new Unknown('try(timestamp(), "x")', expect.any(String)), 'try(timestamp(), "x")'],
    ['can(local.time)', new Unknown('can(local.time)', expect.any(String)), 'timestamp()'],
    ['[timestamp(), "b"]', [new Unknown('timestamp()', expect.any(String)), 'b'], 'timestamp()'],
  ])('%s is unknown, and to do', async (expression, value, shown) => {
    const { value: found, findings } = await evaluated(expression, `${VARIABLES}locals { time = timestamp() }`)
    expect(found).toEqual(value)
    expect(findings).toMatchObject([{ kind: 'todo', id: 'OB141', says: expect.stringContaining(`\`${shown}\``) }])
  })

  it('is reported once, where it is made', async () => {
    const { value, findings } = await evaluated(
      '"${local.time}-${upper(local.time)}"',
      'locals {\n  time = timestamp()\n}',
    )
    expect(value).toEqual(
      new Mixed([
        new Unknown('timestamp()', expect.any(String)),
        '-',
        new Unknown('upper(local.time)', expect.any(String)),
      ]),
    )
    expect(findings).toHaveLength(1)
    expect(findings[0]!.place).toEqual({ file: 't.pkr.hcl', line: 5, column: 10 })
  })
})

describe('what Packer refuses', () => {
  it.each<[string, string]>([
    ['1 / 0', 'divided by zero'],
    ['"a" + 1', 'text stands where a number is expected'],
    ['[1][3]', 'has no element 3'],
    ['{}.a', "has no 'a'"],
    ['{}.toString', "has no 'toString'"],
    ['local.nothing', "no local 'nothing'"],
    ['local.test', "'test' is made of itself"],
    ['var.nothing', "declares the variable 'nothing'"],
    ['nothing', "nothing is called 'nothing'"],
    ['nothing("x")', 'no function nothing()'],
    ['env("HOME")', 'no function env()'],
    ['upper([1])', 'a list stands where text is expected'],
    ['"a${[1]}"', 'a list stands where text is expected'],
    ['[for x in 1 : x]', 'a number stands where a list'],
    ['{ for x in [1, 2] : "a" => x }', "two elements have the key 'a'"],
    ['element([], 0)', 'empty list'],
    ['regex("(", "x")', 'no regular expression'],
    ['format("%s")', 'no value'],
    ['file("none")', "no file 'none'"],
    ['try(1 / 0)', 'nothing in try()'],
  ])('%s becomes unknown with the reason', async (expression, why) => {
    const { value, findings } = await evaluated(expression)
    expect(JSON.stringify(value)).toContain('"unknown"')
    expect(findings[0]).toMatchObject({ kind: 'todo', id: 'OB141', says: expect.stringContaining(why) })
  })
})
