import { DockerfileParser, type Instruction as Parsed } from 'dockerfile-ast'
import { OcibakeError } from '../../errors.ts'
import type { SourceText } from '../source-text.ts'
import type { Place } from '../value.ts'
import { type Heredoc, headHeredocs, heredocBodies } from './heredocs.ts'
import { jsonTexts } from './instructions.ts'
import { type JoinedLine, joinLines } from './join-lines.ts'
import type { SourceLine } from './source-line.ts'

/** More than any Dockerfile for people. */
const LARGEST = 1 << 20
const HEREDOCS = ['RUN', 'COPY', 'ADD']

/** An instruction of a Dockerfile with its continuations joined. */
export interface DockerInstruction {
  /** In upper case. */
  readonly keyword: string
  /** Behind the keyword, on one line; heredocs are not in it. */
  readonly rest: string
  readonly place: Place
  /** Where a character of `rest` is written. */
  readonly placeAt: (index: number) => Place
  /** Where in `rest` a new line of the file begins. */
  readonly breaks: readonly number[]
  readonly heredocs: readonly Heredoc[]
}

export interface DockerfileText {
  readonly instructions: readonly DockerInstruction[]
  /** What a line ends with that goes on, and what keeps the next character: `\`, unless `# escape=` says another. */
  readonly escaper: string
  /** What `# syntax=` names. */
  readonly syntax: string | undefined
}

/**
 * The instructions of a Dockerfile. Where each begins and ends is what dockerfile-ast says, which reads as editors do; what
 * BuildKit would read otherwise, or refuse, is refused here.
 * @throws TEMPLATE_INVALID with file, line and column
 */
export function readDockerfile(source: SourceText): DockerfileText {
  if (source.text.length > LARGEST) throw invalid(source.place(0), `has ${source.text.length} characters.`)
  if (source.text.includes('\0')) throw invalid(source.place(source.text.indexOf('\0')), 'is no text.')
  const dockerfile = DockerfileParser.parse(source.text)
  const escaper = dockerfile.getEscapeCharacter()
  const syntax = dockerfile.getDirectives().find((directive) => directive.getName().toLowerCase() === 'syntax')
  const lines = linesOf(source.text)
  const instructions = dockerfile.getInstructions().map((parsed) => instructionOf(parsed, lines, escaper, source))
  return { instructions, escaper, syntax: syntax?.getValue() ?? undefined }
}

/** @param observed a sentence that goes on behind the place */
export function invalid({ file, line, column }: Place, observed: string, hint?: string): OcibakeError {
  const told = observed.replace(/[^\x20-\x7e]/g, '?').slice(0, 500)
  return new OcibakeError('TEMPLATE_INVALID', `${file}:${line}:${column}: ${told}`, hint === undefined ? {} : { hint })
}

function linesOf(text: string): SourceLine[] {
  let offset = 0
  return text.split('\n').map((line) => {
    const start = offset
    offset += line.length + 1
    return { text: line.replace(/\r$/, ''), offset: start }
  })
}

function instructionOf(
  parsed: Parsed,
  lines: readonly SourceLine[],
  escaper: string,
  source: SourceText,
): DockerInstruction {
  const { start, end } = parsed.getRange()
  const own = lines.slice(start.line, end.line + 1)
  const joined = joinLines(own, escaper)
  const place = source.place(own[0]!.offset + start.character)
  const [word = ''] = joined.text.split(/[ \t]/, 1)
  const keyword = word.toUpperCase()
  if (!/^[A-Z]+$/.test(keyword)) throw invalid(place, `'${word}' is no instruction.`)
  const canHold = HEREDOCS.includes(
    keyword === 'ONBUILD' ? (/^\S+\s+(\S+)/.exec(joined.text)?.[1] ?? '').toUpperCase() : keyword,
  )
  const begin = word.length + /^[ \t]*/.exec(joined.text.slice(word.length))![0].length
  const rest = joined.text.slice(begin).trimEnd()
  const heads = canHold && jsonTexts(rest) === undefined ? headHeredocs(rest, escaper) : []
  const { heredocs, taken, missing } = heredocBodies(heads, own.slice(joined.lines), lines.slice(end.line + 1), source)
  if (missing !== undefined)
    throw invalid(place, `The heredoc '${missing}' is not closed.`, `End it with a line ${missing}.`)
  checkEnd(own, joined, taken, { keyword, place, lines: lines.slice(end.line + 1) })
  const offset = (index: number) => joined.offsetAt(begin + index)
  return {
    ...{ keyword, rest, place, heredocs },
    placeAt: (index) => source.place(offset(index)),
    breaks: joined.breaks.map((at) => at - begin).filter((at) => at > 0 && at < rest.length),
  }
}

/** The parser of editors and the rules of BuildKit end an instruction at the same line. */
function checkEnd(
  own: readonly SourceLine[],
  joined: JoinedLine,
  taken: number,
  { keyword, place, lines }: { keyword: string; place: Place; lines: readonly SourceLine[] },
): void {
  const isOpen = joined.open && lines.some(({ text }) => !/^\s*(#|$)/.test(text))
  if (joined.lines + taken === own.length && !isOpen) return
  throw invalid(
    place,
    `Where ${keyword} ends is not clear.`,
    'Look at the ends of its lines: a single escape goes on, two do not.',
  )
}
