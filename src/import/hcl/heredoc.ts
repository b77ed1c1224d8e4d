import type { Node } from 'web-tree-sitter'
import type { Span } from './syntax.ts'

/** What a quoted or heredoc template is made of: literals, and what stands between braces. */
export type Token = LiteralToken | MarkToken

export interface LiteralToken {
  text: string
}

export interface MarkToken {
  readonly node: Node
  readonly at: Span
  /** On which sides `~` takes the white space away. */
  readonly eatsBefore: boolean
  readonly eatsAfter: boolean
}

/** HCL's own tokens of a heredoc: each line with its newline. */
export function heredocLines(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/**
 * Takes from each line the white space that all have, as `<<-` does: lines of white space alone do not count and keep theirs.
 * As flushHeredocTemplateParts of hclsyntax/parser_template.go.
 */
export function withoutIndentation(tokens: readonly Token[]): void {
  const adjusted: { text: string }[] = []
  let least = Number.POSITIVE_INFINITY
  let newLine = true
  for (const token of tokens) {
    if (newLine) {
      newLine = false
      least = Math.min(least, indentation(token))
      if ('text' in token && Number.isFinite(indentation(token))) adjusted.push(token)
    }
    if ('text' in token && token.text.endsWith('\n')) newLine = true
  }
  if (!Number.isFinite(least)) return
  for (const token of adjusted) token.text = token.text.slice(least)
}

function indentation(token: Token): number {
  if (!('text' in token)) return 0
  const rest = token.text.trimStart()
  return rest === '' && token.text.endsWith('\n') ? Number.POSITIVE_INFINITY : token.text.length - rest.length
}
