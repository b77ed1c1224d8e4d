import type { Node } from 'web-tree-sitter'
import type { SourceText } from '../source-text.ts'
import { heredocLines, type MarkToken, type Token, withoutIndentation } from './heredoc.ts'
import type { Expression, TemplatePart } from './syntax.ts'
import { syntaxError } from './syntax-error.ts'

type ParseInner = (node: Node) => Expression

/**
 * The parts of a quoted or heredoc template, escapes and `~` done.
 * @throws TEMPLATE_INVALID for a newline in quotes, or text that the grammar took for something else than HCL does
 */
export function parseTemplate(source: SourceText, node: Node, expression: ParseInner): readonly TemplatePart[] {
  const quoted = node.type !== 'heredoc_template'
  const { start, end } = quoted ? quotedRange(node) : heredocRange(source, node)
  const tokens = tokensOf(source, node, { start, end }, quoted)
  eatWhiteSpace(tokens)
  if (!quoted && source.text.startsWith('<<-', node.startIndex)) withoutIndentation(tokens)
  return new PartReader(source, melded(tokens), expression).parts()
}

interface Range {
  readonly start: number
  readonly end: number
}

function quotedRange(node: Node): Range {
  return { start: node.firstChild!.endIndex, end: node.lastChild!.startIndex }
}

/** From the line behind the delimiter to the line of the closing one. */
function heredocRange(source: SourceText, node: Node): Range {
  const names = node.namedChildren.filter(({ type }) => type === 'heredoc_identifier')
  const start = source.text.indexOf('\n', names[0]!.endIndex) + 1
  const end = source.text.lastIndexOf('\n', names.at(-1)!.startIndex) + 1
  const behind = source.text.slice(names[0]!.endIndex, start)
  if (names[0]!.endIndex === names[0]!.startIndex || behind.trim() !== '') {
    const hint = 'Write the delimiter alone, as in <<EOT, and the text from the next line on.'
    throw syntaxError(source, names[0]!.endIndex, 'A heredoc does not begin like this.', hint)
  }
  return { start, end: Math.max(start, end) }
}

function tokensOf(source: SourceText, node: Node, range: Range, quoted: boolean): Token[] {
  const tokens: Token[] = []
  let from = range.start
  const literal = (to: number) => {
    if (to <= from) return
    const text = source.text.slice(from, to)
    checkLiteral(source, from, text, quoted)
    tokens.push(...(quoted ? [text] : heredocLines(text)).map((piece) => ({ text: unescaped(piece, quoted) })))
  }
  for (const mark of marksOf(node)) {
    literal(mark.startIndex)
    const sides = mark.children.filter(({ type }) => type !== 'comment')
    tokens.push({
      node: mark,
      at: { source, start: mark.startIndex, end: mark.endIndex },
      eatsBefore: sides[1]?.type === 'strip_marker',
      eatsAfter: sides.at(-2)?.type === 'strip_marker',
    })
    from = mark.endIndex
  }
  literal(range.end)
  return tokens
}

/** What stands in braces, in the order of the text: in the tree, loops and conditions are around what is in them. */
function marksOf(node: Node): Node[] {
  return node.namedChildren.flatMap((child) => {
    if (/^template_(directive|for|if)$/.test(child.type)) return marksOf(child)
    return /^template_(interpolation|for_start|for_end|if_intro|else_intro|if_end)$/.test(child.type) ? [child] : []
  })
}

function checkLiteral(source: SourceText, offset: number, text: string, quoted: boolean): void {
  const newline = quoted ? text.indexOf('\n') : -1
  if (newline >= 0) {
    const hint = 'Close the quotes on the same line; for several lines there are heredocs (<<EOT).'
    throw syntaxError(source, offset + newline, 'The line ends within quoted text.', hint)
  }
  const sequence = /([$%])\1\{|[$%]\{/g
  for (const found of text.matchAll(sequence)) {
    if (found[1] !== undefined) continue
    throw syntaxError(
      source,
      offset + found.index,
      `'${found[0]}' cannot be read here.`,
      'Put it on a line of its own.',
    )
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' }

function unescaped(text: string, quoted: boolean): string {
  const pattern = quoted ? /([$%])\1\{|\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|([nrt"\\]))/g : /([$%])\1\{/g
  return text.replace(pattern, (_, sign, short, long, letter) => {
    if (sign !== undefined) return `${sign}{`
    if (letter !== undefined) return ESCAPES[letter]!
    const code = Number.parseInt(short ?? long, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
}

/** As HCL does: of one token only, and in a heredoc each line is one. */
function eatWhiteSpace(tokens: readonly Token[]): void {
  for (const [index, token] of tokens.entries()) {
    if ('text' in token) continue
    const [before, after] = [tokens[index - 1], tokens[index + 1]]
    if (token.eatsBefore && before !== undefined && 'text' in before) before.text = before.text.trimEnd()
    if (token.eatsAfter && after !== undefined && 'text' in after) after.text = after.text.trimStart()
  }
}

function melded(tokens: readonly Token[]): Token[] {
  const result: Token[] = []
  for (const token of tokens) {
    const last = result.at(-1)
    if ('text' in token && last !== undefined && 'text' in last) last.text += token.text
    else result.push(token)
  }
  return result.filter((token) => !('text' in token) || token.text !== '')
}

/** Puts loops and conditions around what is in them again. */
class PartReader {
  readonly #source: SourceText
  readonly #tokens: readonly Token[]
  readonly #expression: ParseInner
  #next = 0

  constructor(source: SourceText, tokens: readonly Token[], expression: ParseInner) {
    this.#source = source
    this.#tokens = tokens
    this.#expression = expression
  }

  parts(): TemplatePart[] {
    const parts: TemplatePart[] = []
    for (;;) {
      const token = this.#tokens[this.#next]
      if (token === undefined) return parts
      if ('text' in token) parts.push(token.text)
      else if (/_(end|intro)$/.test(token.node.type) && token.node.type !== 'template_if_intro') return parts
      else {
        this.#next += 1
        parts.push(this.#part(token))
        continue
      }
      this.#next += 1
    }
  }

  #part({ node, at }: MarkToken): TemplatePart {
    const inner = node.namedChildren.find(({ type }) => type === 'expression')
    if (inner === undefined)
      throw syntaxError(this.#source, at.start, 'Nothing stands between these braces.', 'Write $${ for a literal ${.')
    const value = this.#expression(inner)
    if (node.type === 'template_interpolation') return { kind: 'interpolation', value }
    if (node.type === 'template_if_intro') return this.#condition(value)
    const names = node.namedChildren.filter(({ type }) => type === 'identifier')
    const text = names.map(({ startIndex, endIndex }) => this.#source.text.slice(startIndex, endIndex))
    const parts = this.parts()
    this.#next += 1
    const key = text.length > 1 ? { keyName: text[0]! } : {}
    return { kind: 'loop', ...key, valueName: text.at(-1)!, collection: value, parts, at }
  }

  #condition(condition: Expression): TemplatePart {
    const yes = this.parts()
    const token = this.#tokens[this.#next]
    this.#next += 1
    const hasElse = token !== undefined && 'node' in token && token.node.type === 'template_else_intro'
    const no = hasElse ? this.parts() : []
    if (hasElse) this.#next += 1
    return { kind: 'if', condition, yes, no }
  }
}
