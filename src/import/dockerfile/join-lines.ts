import type { SourceLine } from './source-line.ts'

/** Lines of a Dockerfile that are one. */
export interface JoinedLine {
  readonly text: string
  /** How many lines it took. */
  readonly lines: number
  /** The last of them goes on, but there is none. */
  readonly open: boolean
  /** Where in the text each further line begins. */
  readonly breaks: readonly number[]
  /** Where in the file a character of the text is. */
  readonly offsetAt: (index: number) => number
}

/**
 * The first of the lines and those that it goes on in: comments and empty lines among them are nothing, and what goes on
 * ends with one escape (buildkit, frontend/dockerfile/parser/parser.go).
 */
export function joinLines(lines: readonly SourceLine[], escaper: string): JoinedLine {
  const goesOn = new RegExp(escaper === '\\' ? '(^|[^\\\\])\\\\[ \\t]*$' : '(^|[^`])`[ \\t]*$')
  const pieces: { start: number; offset: number }[] = []
  let text = ''
  let open = true
  let count = 0
  for (const line of lines) {
    if (!open) break
    count++
    if (count > 1 && /^\s*(#|$)/.test(line.text)) continue
    const skipped = count === 1 ? /^\s*/.exec(line.text)![0].length : 0
    open = goesOn.test(line.text)
    pieces.push({ start: text.length, offset: line.offset + skipped })
    text += (open ? line.text.replace(goesOn, '$1') : line.text).slice(skipped)
  }
  const offsetAt = (index: number) => {
    const piece = pieces.findLast(({ start }) => start <= index) ?? pieces[0]!
    return piece.offset + index - piece.start
  }
  return { text, lines: count, open, breaks: pieces.slice(1).map(({ start }) => start), offsetAt }
}
