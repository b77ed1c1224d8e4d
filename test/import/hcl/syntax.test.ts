// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is HCL's syntax, too
import { describe, expect, it } from 'vitest'
import { readText } from '../../support/hcl.ts'

describe('a mistake in the syntax of HCL', () => {
  it.each<[string, string, string]>([
    ['a = [1, 2\nb = 3', "2:1: 'b' is not expected here", 'comma'],
    ['a = "x\nb = 3', '1:7: The line ends within quoted text', 'Close the quotes'],
    ['a = [\n "x",\n "y\n]\n', '3:4: The line ends within quoted text', 'Close the quotes'],
    ['a = "x ${upper("y)}"\n', "1:15: '(' is never closed", 'Close it'],
    ['a {\n b = \n}', "3:1: '}' is not expected here", "behind the '='"],
    ['a { b = 1', "1:3: '{' is never closed", 'Close it'],
    ['a {\n  b = [1,\n  /* ] */\n', "2:7: '[' is never closed", 'Close it'],
    ['a = <<EOT\nfoo\n', "1:5: '<<EOT' is never closed", 'Write EOT alone'],
    ['a = <<EOT foo\nEOT\n', '1:10: A heredoc does not begin like this', 'alone'],
    ['a = 1 b = 2', '1:7: This stands on the line of what is before it', 'new line'],
    ['a {\n x = 1\n} b {}', '3:3: This stands on the line', 'new line'],
    ['a {\n  x = 1\n  x = 2\n}', "3:3: 'x' is there twice", 'Remove one'],
    ['a b c', '1:6: The file ends in the middle', 'Close'],
    ['a = "\\d"', "1:6: '\\' is not expected here", '\\\\ for a backslash'],
    ['a = ["a" "b"]', "1:10: '\"' is not expected here", 'comma'],
    ['a = "${}"', '1:6: Nothing stands between these braces', '$${'],
    ['a "x${1}" {}', '1:3: A label has an expression in it', 'plain text'],
    ['é = "é" ]', "1:9: ']' is not expected here", 'Compare'],
    ['a = "\0"', '1:6: There is a zero byte here', 'text file'],
    ['{ "a": 1 }', '1:1: An object stands where', '.json'],
    ['a = 0xff', "1:5: '0xff' is no number", 'decimal'],
  ])('%j is named with its place', async (text, message, hint) => {
    await expect(readText(text)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
  })

  it.each<[string, string, string]>([
    ['lists in lists', `a = ${'['.repeat(1000)}${']'.repeat(1000)}`, 'nested more than 150 deep'],
    ['signs before signs', `a = ${'-'.repeat(1000)}1`, 'nested more than 150 deep'],
    ['parentheses in parentheses', `a = ${'('.repeat(1000)}1${')'.repeat(1000)}`, 'nested more than 150 deep'],
    ['a long sum', `a = 1${' + 1'.repeat(1000)}`, 'nested more than 150 deep'],
    ['blocks in blocks', 'a {\n'.repeat(20_000) + '}\n'.repeat(20_000), 'nested too deep'],
    ['directives in directives', `a = "${'%{ if true }'.repeat(9000)}${'%{ endif }'.repeat(9000)}"`, 'nested too deep'],
    ['a long delimiter', `a = <<${'E'.repeat(9000)}\nx\n${'E'.repeat(9000)}`, 'ends in the middle'],
    ['a large file', `a = "${'x'.repeat(1 << 18)}"`, 'larger than'],
  ])('that is %s has an end', async (_, text, message) => {
    const refusal = { code: 'TEMPLATE_INVALID', message: expect.stringContaining(message) }
    await expect(readText(text)).rejects.toMatchObject(refusal)
  })

  it('is named with the file', async () => {
    await expect(readText('a = [')).rejects.toThrow(/^t\.pkr\.hcl:1:5: /)
  })
})

describe('a template without a build', () => {
  it.each([
    ['', 't.pkr.hcl has no `build` block'],
    ['source "docker" "x" {}', 't.pkr.hcl has no `build` block'],
    ['\nbuild { sources = ["source.docker.x"] }', 'The build at t.pkr.hcl:2 has no source'],
    ['source "docker" {}\nbuild {}', 't.pkr.hcl:1:1: Labels of this source: 1 instead of 2'],
    ['variable {}\nbuild {}', 't.pkr.hcl:1:1: Labels of this variable: 0 instead of 1'],
    [
      'source "a" "b" {}\nbuild {\n  sources = ["a.b"]\n  provisioner {}\n}',
      't.pkr.hcl:4:3: Labels of this provisioner: 0 instead of 1',
    ],
    ['build {}', 'The build at t.pkr.hcl:1 has no source'],
  ])('%j is refused', async (text, message) => {
    await expect(readText(text)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringContaining(message),
    })
  })
})
