import type { Parser } from 'web-tree-sitter'
import { OcibakeError } from '../../errors.ts'
import { inWords } from '../in-words.ts'
import type { SourceText } from '../source-text.ts'
import { type LeftOpen, leftOpen } from './left-open.ts'
import type { BlockSyntax } from './syntax.ts'

/** The error for something that is no HCL. @param offset where in the file */
export function syntaxError(source: SourceText, offset: number, observed: string, hint: string): OcibakeError {
  const { file, line, column } = source.place(offset)
  return new OcibakeError('TEMPLATE_INVALID', `${file}:${line}:${column}: ${inWords(observed)}`, { hint })
}

/** @throws TEMPLATE_INVALID for a block that has not exactly these labels, such as ['type', 'name'] */
export function checkLabels({ type, labels, at }: BlockSyntax, wanted: readonly string[]): void {
  if (labels.length === wanted.length) return
  const form = [type, ...wanted.map((label) => `"${label.toUpperCase()}"`)].join(' ')
  throw syntaxError(
    at.source,
    at.start,
    `Labels of this ${type}: ${labels.length} instead of ${wanted.length}.`,
    `Write: ${form} { … }`,
  )
}

/**
 * The error for a text that the grammar refuses. The parser goes on behind a mistake and builds a tree around it whose place
 * is often elsewhere; what it logs says at which token it was stuck first.
 */
export function explainSyntax(parser: Parser, source: SourceText, text: string): OcibakeError {
  const { offset, ended } = firstFault(parser, text)
  const atEnd = ended || offset >= source.end
  const left = leftOpen(text, atEnd ? source.end : offset)
  // A quote that is not closed makes sense up to some other place.
  if (left !== undefined && (atEnd || left.kind === 'quote')) return explainOpen(source, left)
  if (atEnd) {
    const hint = 'Close what is open, or complete the last line.'
    return syntaxError(source, source.end, 'The file ends in the middle of something.', hint)
  }
  const met = /^(\s*\n|[\w-]+|"|\S)/.exec(text.slice(offset))?.[0].trim() ?? ''
  const before = text.slice(0, offset).trimEnd()
  const observed = met === '' ? 'The line ends too early.' : `'${met.slice(0, 40)}' is not expected here.`
  return syntaxError(source, offset, observed, hintFor(before, met))
}

function explainOpen(source: SourceText, { kind, offset, opener }: LeftOpen): OcibakeError {
  if (kind === 'quote') {
    const hint = 'Close the quotes on the same line; for several lines there are heredocs (<<EOT).'
    return syntaxError(source, offset, 'The line ends within quoted text.', hint)
  }
  const hint = kind === 'heredoc' ? `Write ${opener} alone on a line behind the text.` : 'Close it.'
  return syntaxError(source, offset, `'${kind === 'heredoc' ? `<<${opener}` : opener}' is never closed.`, hint)
}

function hintFor(before: string, met: string): string {
  if (met === '\\') return 'In quoted text write \\\\ for a backslash; others are \\n \\r \\t \\" \\uNNNN.'
  if (before.endsWith('=')) return "Write a value behind the '='."
  if (/["\d\w\]}]$/.test(before) && /^["\w[{]/.test(met))
    return 'Is a comma, a closing bracket or a new line missing before it?'
  return 'Compare brackets, quotes and commas before this place; `packer fmt` finds the same mistake.'
}

interface Fault {
  readonly offset: number
  readonly ended: boolean
}

function firstFault(parser: Parser, text: string): Fault {
  const lines = text.split('\n')
  let at: readonly [row: number, column: number] = [0, 0]
  let fault: Fault | undefined
  parser.reset()
  parser.setLogger((message, isLex) => {
    if (isLex || fault !== undefined) return
    const position = /^process .*row:(\d+), col:(\d+)/.exec(message)
    // The columns that are logged are bytes of UTF-16.
    if (position !== null) at = [Number(position[1]), Number(position[2]) / 2]
    const found = /^detect_error lookahead:(.*)/.exec(message)
    if (found === null) return
    const start = lines.slice(0, at[0]).reduce((sum, line) => sum + line.length + 1, 0) + at[1]
    fault = { offset: start + (/^\s*/.exec(text.slice(start))?.[0].length ?? 0), ended: found[1] === 'end' }
  })
  try {
    parser.parse(text, null, { progressCallback: () => fault !== undefined })?.delete()
  } finally {
    parser.setLogger(null)
    parser.reset()
  }
  return fault ?? { offset: 0, ended: false }
}
