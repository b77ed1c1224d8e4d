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
    [`a = ${'['.repeat(1000)}${']'.repeat(1000)}`, 'nested more than 150 deep', 'locals'],
    [`a = ${'-'.repeat(1000)}1`, 'nested more than 150 deep', 'locals'],
    [`a = ${'('.repeat(1000)}1${')'.repeat(1000)}`, 'nested more than 150 deep', 'locals'],
    ['a {\n'.repeat(20_000) + '}\n'.repeat(20_000), 'nested too deep', 'template'],
    [`a = "${'%{ if true }'.repeat(20_000)}${'%{ endif }'.repeat(20_000)}"`, 'nested too deep', 'template'],
    [`a = "${'x'.repeat(1 << 20)}"`, 'larger than', 'files of their own'],
  ])('%j is named with its place', async (text, message, hint) => {
    await expect(readText(text)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
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
    ['build {}', 'The build at t.pkr.hcl:1 has no source'],
  ])('%j is refused', async (text, message) => {
    await expect(readText(text)).rejects.toMatchObject({
      code: 'TEMPLATE_INVALID',
      message: expect.stringContaining(message),
    })
  })
})
