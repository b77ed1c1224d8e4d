import type { Node, Parser } from 'web-tree-sitter'
import type { SourceText } from '../source-text.ts'
import { parseExpression, spanOf, textOf } from './parse-expression.ts'
import { parseTemplate } from './parse-template.ts'
import type { AttributeSyntax, BlockSyntax, Body, Expression } from './syntax.ts'
import { explainSyntax, syntaxError } from './syntax-error.ts'

/** More than any template that people write; the parser needs some hundred times as much memory. */
const MOST = 1 << 18

/** What a file says in HCL's native syntax. @throws TEMPLATE_INVALID with the place of the first mistake */
export function parseHcl(parser: Parser, source: SourceText): Body {
  return withTree(parser, source, (root) => {
    const body = root.namedChildren.find(({ type }) => type === 'body' || type === 'object')
    if (body?.type === 'object') {
      throw syntaxError(
        source,
        body.startIndex,
        'An object stands where attributes and blocks are expected.',
        JSON_HINT,
      )
    }
    return body === undefined ? { items: [] } : bodyOf(source, body)
  })
}

const JSON_HINT = 'Is this JSON? Name such files .json.'

/** One expression, such as the value of a variable of type list. @throws TEMPLATE_INVALID */
export function parseHclExpression(parser: Parser, source: SourceText): Expression {
  return onlyValue(parser, source.within('value = ', '\n'))
}

function onlyValue(parser: Parser, source: SourceText): Expression {
  const [first, ...others] = parseHcl(parser, source).items
  if (first?.kind === 'attribute' && others.length === 0) return first.value
  throw syntaxError(source, 0, 'This is no single value.', 'Write one value, such as ["a", "b"].')
}

/** Text with `${…}` in it, such as the file of templatefile(). @throws TEMPLATE_INVALID */
export function parseHclTemplate(parser: Parser, source: SourceText): Expression {
  // A delimiter that no line of the text begins with.
  const tails = [...source.text.matchAll(/^\s*E(_*)/gm)].map(([, tail]) => tail!.length)
  const end = `E${'_'.repeat(tails.reduce((most, length) => Math.max(most, length), 0) + 1)}`
  const read = onlyValue(parser, source.within(`value = <<${end}\n`, `\n${end}\n`))
  // The newline before the delimiter is not the text's own.
  if (read.kind === 'literal') return { ...read, value: String(read.value).replace(/\n$/, '') }
  const last = read.kind === 'template' ? read.parts.at(-1) : undefined
  if (read.kind !== 'template' || typeof last !== 'string') return read
  const rest = last.replace(/\n$/, '')
  return { ...read, parts: rest === '' ? read.parts.slice(0, -1) : [...read.parts.slice(0, -1), rest] }
}

function withTree<T>(parser: Parser, source: SourceText, take: (root: Node) => T): T {
  if (source.text.length > MOST) {
    throw syntaxError(
      source,
      0,
      `The file is larger than ${MOST} characters.`,
      'Name a template; large texts belong in files of their own.',
    )
  }
  // A heredoc that ends with the file is closed by a newline only.
  const text = `${source.text}\n`
  const nul = text.indexOf('\0')
  if (nul >= 0) throw syntaxError(source, nul, 'There is a zero byte here.', 'Is this a text file?')
  const tree = parser.parse(text, null, { progressCallback: ({ hasError }) => hasError })
  try {
    if (tree === null || tree.rootNode.hasError) throw explainSyntax(parser, source, text)
    return take(tree.rootNode)
  } catch (error) {
    // Blocks and directives may be nested, too, deeper than our functions can call one another.
    if (error instanceof RangeError) throw syntaxError(source, 0, 'Blocks are nested too deep.', 'Is this a template?')
    throw error
  } finally {
    tree?.delete()
    parser.reset()
  }
}

function bodyOf(source: SourceText, node: Node): Body {
  const items = node.namedChildren.filter(({ type }) => type !== 'comment')
  for (const [index, item] of items.entries()) {
    const before = items[index - 1]
    if (before !== undefined && !source.text.slice(before.endIndex, item.startIndex).includes('\n')) {
      const hint = 'Begin a new line here.'
      throw syntaxError(source, item.startIndex, 'This stands on the line of what is before it.', hint)
    }
  }
  refuseTwice(source, items)
  return { items: items.map((item) => (item.type === 'block' ? blockOf(source, item) : attributeOf(source, item))) }
}

function refuseTwice(source: SourceText, items: readonly Node[]): void {
  const names = new Set<string>()
  for (const item of items.filter(({ type }) => type === 'attribute')) {
    const name = textOf(source, item.firstNamedChild!)
    if (names.has(name))
      throw syntaxError(source, item.startIndex, `'${name}' is there twice in one block.`, 'Remove one.')
    names.add(name)
  }
}

function attributeOf(source: SourceText, node: Node): AttributeSyntax {
  const [name, value] = node.namedChildren.filter(({ type }) => type !== 'comment')
  return {
    kind: 'attribute',
    name: textOf(source, name!),
    value: parseExpression(source, value!),
    at: spanOf(source, node),
  }
}

function blockOf(source: SourceText, node: Node): BlockSyntax {
  const children = node.namedChildren.filter(({ type }) => type !== 'comment')
  const start = children.findIndex(({ type }) => type === 'block_start')
  const [type, ...labels] = children.slice(0, start)
  const body = children.find((child) => child.type === 'body')
  return {
    kind: 'block',
    type: textOf(source, type!),
    labels: labels.map((label) => labelOf(source, label)),
    body: body === undefined ? { items: [] } : bodyOf(source, body),
    at: { source, start: node.startIndex, end: children[start]!.endIndex },
  }
}

function labelOf(source: SourceText, node: Node): string {
  if (node.type === 'identifier') return textOf(source, node)
  const inExpression = () =>
    syntaxError(source, node.startIndex, 'A label has an expression in it.', 'Labels are plain text.')
  if (/[$%]\{/.test(textOf(source, node))) throw inExpression()
  const [label = ''] = parseTemplate(source, node, () => {
    throw inExpression()
  })
  return label as string
}
