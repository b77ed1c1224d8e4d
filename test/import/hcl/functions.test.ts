// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is HCL's syntax, too
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Mixed, Reference, type Value } from '../../../src/import/value.ts'
import { evaluated, NOTHING_GIVEN } from '../../support/hcl.ts'

describe('a function of HCL', () => {
  it.each<[string, Value]>([
    ['abs(-3)', 3],
    ['basename("/a/b.sh")', 'b.sh'],
    ['dirname("/a/b.sh")', '/a'],
    ['dirname("/a/b/")', '/a/b'],
    ['basename("/")', '/'],
    ['join(", ", ["a", "b"], ["c"])', 'a, b, c'],
    ['split(",", "a,b,")', ['a', 'b', '']],
    ['lower("ÄB")', 'äb'],
    ['upper("aß")', 'ASS'],
    ['title("hello wide world")', 'Hello Wide World'],
    ['trim("?!hi?!", "!?")', 'hi'],
    ['trim("aaa", "a")', ''],
    ['trimprefix("v1.2", "v")', '1.2'],
    ['trimsuffix("a.tar.gz", ".gz")', 'a.tar'],
    ['trimspace(" \\n a ")', 'a'],
    ['chomp("a\\r\\n\\n")', 'a'],
    ['indent(2, "a\\nb")', 'a\n  b'],
    ['substr("hello", 1, 3)', 'ell'],
    ['substr("hello", -3, -1)', 'llo'],
    ['strrev("abc")', 'cba'],
    ['replace("a.b.c", ".", "$1")', 'a$1b$1c'],
    ['regex_replace("2024-01-02", "[-:]", "")', '20240102'],
    ['regex_replace("ab", "(a)(b)", "$2-$${1}x$1x")', 'b-ax'],
    ['regex_replace("ab", "(?P<first>a)", "<$first>")', '<a>b'],
    ['regex_replace("A1 b", "(?i)[[:alpha:]]", "x")', 'x1 x'],
    ['regex("[0-9]+", "a12b3")', '12'],
    ['regex("(a)(x)?", "a")', ['a', null]],
    ['regex("(?P<y>\\\\d+)-(?P<m>\\\\d+)", "2024-05")', { y: '2024', m: '05' }],
    ['regexall("\\\\w", "a-b")', ['a', 'b']],
    ['can(regex("^v", "v1"))', true],
    ['can(regex("^v", "1"))', false],
    ['format("%s-%03d-%5.1f|%-4s|%t|%x|%%|%v", "a", 7, 1.26, "b", true, 255, [1])', 'a-007-  1.3|b   |true|ff|%|[1]'],
    ['format("%[2]s %[1]s %q", "a", "b")', 'b a "b"'],
    ['formatlist("%s=%s", ["a", "b"], "x")', ['a=x', 'b=x']],
    ['concat([1], [2, [3]])', [1, 2, [3]]],
    ['compact(["a", "", null, "b"])', ['a', 'b']],
    ['distinct(["a", "b", "a"])', ['a', 'b']],
    ['flatten([[1, [2]], 3, []])', [1, 2, 3]],
    ['merge({ a = 1, b = 1 }, { b = 2 }, null)', { a: 1, b: 2 }],
    ['lookup({ a = 1 }, "b", "none")', 'none'],
    ['keys({ b = 1, a = 2 })', ['a', 'b']],
    ['values({ b = 1, a = 2 })', [2, 1]],
    ['element(["a", "b"], 3)', 'b'],
    ['index(["a", "b"], "b")', 1],
    ['length("häß")', 3],
    ['length([1, 2])', 2],
    ['length({ a = 1 })', 1],
    ['contains(["a"], "a")', true],
    ['contains(["1"], 1)', false],
    ['coalesce("", null, "x")', 'x'],
    ['coalescelist([], ["x"])', ['x']],
    ['range(3)', [0, 1, 2]],
    ['range(1, 7, 3)', [1, 4]],
    ['range(3, 0)', [3, 2, 1]],
    ['sort(["b", "a", "B"])', ['B', 'a', 'b']],
    ['reverse([1, 2])', [2, 1]],
    ['slice(["a", "b", "c"], 1, 2)', ['b']],
    ['chunklist([1, 2, 3], 2)', [[1, 2], [3]]],
    ['zipmap(["a", "b"], [1, 2])', { a: 1, b: 2 }],
    ['setunion(["a"], ["b", "a"])', ['a', 'b']],
    ['setintersection(["a", "b"], ["b"])', ['b']],
    ['setsubtract(["a", "b"], ["b"])', ['a']],
    ['try({}.a, [][0], "x")', 'x'],
    ['try([1 / 0], "x")', 'x'],
    ['can([for x in 1 : x])', false],
    ['max(1, "5")', 5],
    ['min(1, 2)', 1],
    ['ceil(1.2) + floor(1.8) + signum(-4) + pow(2, 3)', 10],
    ['parseint("ff", 16)', 255],
    ['parseint("-Z", 62)', -61],
    ['base64encode("hä")', 'aMOk'],
    ['base64decode("aMOk")', 'hä'],
    ['jsonencode({ b = [1, "<&>"], a = null })', '{"a":null,"b":[1,"\\u003c\\u0026\\u003e"]}'],
    ['jsondecode("{\\"a\\": [1, true]}").a', [1, true]],
    [
      'yamlencode({ a = "x: y", b = [1, { c = true, d = [] }], e = {} })',
      '"a": "x: y"\n"b":\n- 1\n- "c": true\n  "d": []\n"e": {}\n',
    ],
    ['yamldecode("[1, 2]")', [1, 2]],
    ['md5("a")', '0cc175b9c0f1b6a831c399e269772661'],
    ['sha1("a")', '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'],
    ['sha256("")', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['substr(sha512(""), 0, 8)', 'cf83e135'],
    ['urlencode("a b/ä+(~)")', 'a+b%2F%C3%A4%2B%28~%29'],
    ['formatdate("DD MMM YYYY hh:mm ZZZ", "2018-01-02T23:12:01Z")', '02 Jan 2018 23:12 UTC'],
    [
      'formatdate("EEEE, DD-MMM-YY HH:mm:ss AA \'o\'\'clock\'", "2018-01-02T23:12:01-08:00")',
      "Tuesday, 02-Jan-18 11:12:01 PM o'clock",
    ],
    ['timeadd("2018-01-02T23:00:00Z", "1h30m")', '2018-01-03T00:30:00Z'],
    ['convert("5", number)', 5],
    ['convert(["1"], list(number))', [1]],
    ['convert({ a = 1 }, object({ a = string, b = optional(string) }))', { a: '1', b: null }],
    ['convert("true", bool)', true],
  ])('%s', async (expression, value) => {
    expect(await evaluated(expression)).toEqual({ value, findings: [], says: [] })
  })

  it.each([
    'timestamp()',
    'legacy_isotime("2006")',
    'uuidv4()',
    'consul_key("a")',
    'aws_secretsmanager("a", "b")',
    'bcrypt("a")',
    'cidrhost("10.0.0.0/8", 1)',
  ])('%s is not evaluated', async (expression) => {
    const { findings } = await evaluated(expression)
    expect(findings).toMatchObject([{ kind: 'todo', id: 'OB141' }])
  })
})

describe('a function of files', () => {
  const cwd = join(import.meta.dirname, '../fixtures/functions')
  const inputs = { ...NOTHING_GIVEN, cwd, env: { HOME: '/home/me' } }

  const VERSION = 'variable "version" { default = "1" }\nvariable "missing" {}\n'

  it.each<[string, Value]>([
    ['file("files/app.conf")', 'port = 80\n'],
    ['filebase64("./files/app.conf")', 'cG9ydCA9IDgwCg=='],
    ['fileexists("files/none")', false],
    ['fileexists("files/app.conf")', true],
    ['fileexists("files")', false],
    ['fileset("files", "**/*.sh")', ['sub/b.sh']],
    ['fileset("files", "*.{conf,tpl}")', ['app.conf', 'app.tpl', 'bad.tpl']],
    ['fileset("none", "*")', []],
    ['pathexpand("~/x")', '/home/me/x'],
    ['templatefile("files/app.tpl", { version = "2", ports = [1, 2] })', 'version 2\nE_ 1\nE_ 2\nend'],
    [
      'templatefile("files/app.tpl", { version = var.version, ports = [] })',
      new Mixed(['version ', new Reference('version', '1'), '\nend']),
    ],
  ])('%s', async (expression, value) => {
    const { value: found, findings } = await evaluated(expression, VERSION, inputs)
    expect(found).toEqual(value)
    for (const finding of findings) expect(finding).toMatchObject({ kind: 'differs', id: 'OB148' })
  })

  it('says whose content became part of the spec', async () => {
    const { findings } = await evaluated('file("files/app.conf")', '', inputs)
    expect(findings).toMatchObject([{ id: 'OB148', place: { file: 'files/app.conf', line: 1, column: 1 } }])
  })

  it.each([
    ['file("files")', 'no file'],
    ['file("/dev/zero")', 'no file'],
    ['file("files/bytes")', 'no text in UTF-8'],
    ['templatefile("files/app.tpl", {})', "nothing is called 'version'"],
    ['templatefile("files/app.tpl", { version = upper(var.missing), ports = [] })', "the variable 'missing' a value"],
  ])('%s is to do', async (expression, why) => {
    const { says } = await evaluated(expression, VERSION, inputs)
    expect(says.join()).toContain(why)
  })

  it('names the place of a mistake in a file that is rendered', async () => {
    await expect(evaluated('templatefile("files/bad.tpl", {})', '', inputs)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringMatching(/^files\/bad\.tpl:2:\d+: /),
    })
  })
})

describe('what would take for ever', () => {
  it.each<[string, string, string]>([
    ['a pattern', 'regex("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")', 'takes too long'],
    [
      'many patterns',
      '[for x in range(1000) : regex("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")]',
      'takes too long',
    ],
    ['a long range', 'range(1000000000)', 'at most 1024'],
    ['a text in the place of each letter', 'replace(local.a, "a", local.a)', 'more than 16777216 characters'],
    ['a text for each match', 'regex_replace(local.a, "a", local.a)', 'more than 16777216 characters'],
    ['a text named often', 'regex_replace(local.a, "a+", local.d)', 'more than 16777216 characters'],
    ['a text between many', 'join(local.a, split("a", local.a))', 'more than 16777216 characters'],
    ['a text formatted often', 'format(replace(local.a, "a", "%[1]s"), local.a)', 'more than 16777216 characters'],
    ['a wide format', 'format("%999999999d", 1)', '999999999 columns'],
  ])('%s ends', async (_, expression, why) => {
    const large =
      'locals {\n  a = join("", [for x in range(1000) : "aaaaaaaaaaaaaaaaaaaa"])\n  d = replace(local.a, "a", "$0")\n}'
    expect((await evaluated(expression, large)).says[0]).toContain(why)
  })

  const doubling = (first: string, next: (last: string) => string) => {
    const lines = Array.from({ length: 45 }, (_, n) => `  l${n + 1} = ${next(`local.l${n}`)}`)
    return `locals {\n  l0 = ${first}\n${lines.join('\n')}\n}`
  }
  it.each<[string, string, string]>([
    ['loops in loops', '[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]', ''],
    ['texts that double', 'local.l45', doubling('"a"', (last) => `"\${${last}}\${${last}}"`)],
    ['joined texts that double', 'local.l45', doubling('"a"', (last) => `join("", [${last}, ${last}])`)],
    ['lists that double', 'local.l45', doubling('["a"]', (last) => `concat(${last}, ${last})`)],
    ['lists in lists, written out', 'jsonencode(local.l45)', doubling('["a"]', (last) => `[${last}, ${last}]`)],
    ['lists in lists, flattened', 'flatten(local.l45)', doubling('["a"]', (last) => `[${last}, ${last}]`)],
    [
      'lists in lists with variables',
      'jsonencode(local.l45)',
      `variable "v" {}\n${doubling('[var.v]', (last) => `[${last}, ${last}]`)}`,
    ],
    ['lists in lists, compared', 'local.l45 == local.l44', doubling('["a"]', (last) => `[${last}, ${last}]`)],
  ])('%s are refused', async (_, expression, more) => {
    await expect(evaluated(expression, more)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringContaining('too much'),
    })
  })
})
