import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import { OcibakeError } from '../../errors.ts'
import type { Finding } from '../finding.ts'
import { inWords } from '../in-words.ts'
import type { SourceText } from '../source-text.ts'

/** jsonc-parser's SyntaxKind, a const enum that only its own compiler knows. */
const KIND = {
  closeBrace: 2,
  closeBracket: 4,
  comma: 5,
  lineComment: 12,
  blockComment: 13,
  lineBreak: 14,
  trivia: 15,
  unknown: 16,
  end: 17,
}

/** What people put between the lines of a snippet: dots, dashes, a line that begins with `#`. */
const MARKER = /^[ \t]*(?:[.…=*_~-]{2,}|#.*)[ \t]*$/

interface Mend {
  readonly start: number
  readonly end: number
  readonly what: string
}

/**
 * The tree of a JSON text in which comments, marker lines and commas before a closing bracket are left out, each with a
 * finding. Offsets are those of the text.
 * @throws TEMPLATE_INVALID with line and column for what is no JSON otherwise
 */
export function parseTolerantly(source: SourceText, report: (finding: Finding) => void): Node {
  const markers = markersOf(source.text)
  const withoutMarkers = blanked(source.text, markers)
  const mends = apart([...markers, ...strayTokens(withoutMarkers)])
  for (const { start, what } of mends) report(mended(source, start, what))
  const text = blanked(source.text, mends)
  const errors: ParseError[] = []
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false })
  const [first] = errors
  if (first !== undefined) throw invalid(source, text, first)
  if (tree === undefined) throw invalid(source, text, { error: 4, offset: 0, length: 0 })
  return tree
}

function markersOf(text: string): readonly Mend[] {
  const found: Mend[] = []
  let start = 0
  for (const line of text.split('\n')) {
    const bare = line.replace(/\r$/, '')
    if (MARKER.test(bare))
      found.push({ start: start + bare.search(/\S/), end: start + bare.length, what: 'a line that is no JSON' })
    start += line.length + 1
  }
  return found
}

function strayTokens(text: string): readonly Mend[] {
  const scanner = createScanner(text, false)
  const found: Mend[] = []
  let comma: number | undefined
  for (let kind: number = scanner.scan(); kind !== KIND.end; kind = scanner.scan()) {
    const start = scanner.getTokenOffset()
    const end = start + scanner.getTokenLength()
    if (kind === KIND.trivia || kind === KIND.lineBreak) continue
    if (kind === KIND.lineComment || kind === KIND.blockComment) {
      found.push({ start, end, what: 'a comment, which JSON does not have' })
      continue
    }
    const closes = kind === KIND.closeBrace || kind === KIND.closeBracket
    if (closes && comma !== undefined)
      found.push({ start: comma, end: comma + 1, what: 'a comma with nothing behind it' })
    comma = kind === KIND.comma ? start : undefined
  }
  return found
}

/** In their order, without those that begin in another, as a marker line in a comment does. */
function apart(mends: readonly Mend[]): readonly Mend[] {
  const sorted = mends.toSorted((left, right) => left.start - right.start)
  let end = 0
  return sorted.filter((mend) => {
    if (mend.start < end) return false
    end = mend.end
    return true
  })
}

/** With spaces for what is left out, so that all else stays where it is. */
function blanked(text: string, mends: readonly Mend[]): string {
  let from = 0
  const pieces = mends.flatMap(({ start, end }) => {
    const before = text.slice(from, start)
    from = end
    return [before, text.slice(start, end).replace(/[^\r\n]/g, ' ')]
  })
  return [...pieces, text.slice(from)].join('')
}

function mended(source: SourceText, offset: number, what: string): Finding {
  const place = source.place(offset)
  const says = `There is ${what}; Packer refuses the template because of it.`
  return { kind: 'defect', id: 'OB123', place, says, advice: 'It is left out here; remove it from the template.' }
}

const HINTS: Readonly<Record<string, string>> = {
  CommaExpected: 'Put a comma before it.',
  ColonExpected: "Put a ':' before it.",
  ValueExpected: 'Write a value here, or remove the comma before it.',
  PropertyNameExpected: 'Write a name in double quotes.',
  CloseBraceExpected: "Close it with '}'.",
  CloseBracketExpected: "Close it with ']'.",
  UnexpectedEndOfString: 'Close the string on its line; a newline in it is \\n.',
  InvalidEscapeCharacter: 'Write \\\\ for a backslash; the escapes are \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uNNNN.',
  InvalidCharacter: 'Write \\t for a tab and \\n for a newline.',
  EndOfFileExpected: 'Remove what is behind the end of the template.',
}

function invalid(source: SourceText, text: string, { error, offset }: ParseError): OcibakeError {
  const name = printParseErrorCode(error)
  const { file, line, column } = source.place(offset)
  const met = /^(?:[\w-]+|\S)/.exec(text.slice(offset))?.[0]
  const observed =
    met === undefined
      ? 'the file ends in the middle of something'
      : `'${inWords(met.slice(0, 40))}' is not expected here`
  const hint = HINTS[name] ?? 'Compare brackets, quotes and commas before this place.'
  return new OcibakeError('TEMPLATE_INVALID', `${file}:${line}:${column}: ${observed}: this is no JSON.`, { hint })
}
