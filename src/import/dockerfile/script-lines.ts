import { shellStatements } from '../shell/statements.ts'
import { shellTokens, type Token, UnclearScript } from '../shell/tokens.ts'
import { brokenLines } from './broken-lines.ts'

/** A command of a script, and where it begins in it. */
export interface CommandText {
  readonly text: string
  readonly at: number
}

/** As lines of specs are. */
const LONGEST = 110

/** Words that begin what is more than a command, and commands in which `-e` counts for more than their own end. */
const NOT_ALONE = new Set([
  ...['if', 'for', 'while', 'until', 'case', 'select', 'function', '{', '!', '[[', 'time', 'coproc'],
  ...['.', 'source', 'eval', 'exec', 'exit', 'return', 'trap', 'wait', 'command', 'builtin'],
])

/**
 * The commands of a script that mean the same one a line under `sh -e`: simple ones with `&&` between them, or statements
 * behind a `set -e`. undefined for all others, in which a command that fails may go unnoticed.
 */
export function commandLines(
  script: string,
  isUnclear: (character: string) => boolean,
  breaks: readonly number[] = [],
): CommandText[] | undefined {
  try {
    return chained(script, shellTokens(script, isUnclear), breaks) ?? behindSet(script, isUnclear, breaks)
  } catch (error) {
    if (error instanceof UnclearScript) return undefined
    throw error
  }
}

function chained(script: string, tokens: readonly Token[], breaks: readonly number[]): CommandText[] | undefined {
  const commands: Token[][] = [[]]
  for (const token of tokens) {
    if (token.kind === 'operator' && token.value === '&&') commands.push([])
    else commands.at(-1)!.push(token)
  }
  if (!commands.every((command) => isSimple(command, script))) return undefined
  return commands.map((command) => {
    const start = command[0]!.start
    return { text: readable(script, start, command.at(-1)!.end, breaks), at: start }
  })
}

/** One command, or several with `|` between them, with nothing in them that has an end of its own. */
function isSimple(command: readonly Token[], script: string): boolean {
  const [first] = command
  if (first === undefined || first.kind !== 'word') return false
  const starts = command.filter((_, index) => index === 0 || command[index - 1]!.value === '|')
  // Behind it a command that fails would no longer end the script, as it ends the chain.
  if (first.value === 'set' && command.some(({ value }) => /^\+(o$|[a-z]*e)/.test(value))) return false
  if (starts.some(({ value, quoted }) => !quoted && NOT_ALONE.has(value))) return false
  return command.every(({ kind, value, expands, start, end }) => {
    if (kind === 'operator') return /^([<>]|>>|>&|<&|&>|>\||\|)$/.test(value)
    const raw = script.slice(start, end)
    return kind === 'word' && !(expands && /`|\$\(/.test(raw) && /[;\n]|&&|\|\|/.test(raw))
  })
}

function behindSet(
  script: string,
  isUnclear: (character: string) => boolean,
  breaks: readonly number[],
): CommandText[] | undefined {
  const statements = shellStatements(script, isUnclear)
  const [first] = statements
  const words = first?.commands?.length === 1 ? first.commands[0]!.words : []
  if (words[0] !== 'set' || !words.slice(1).some((word) => /^-[a-z]*e/.test(word))) return undefined
  const starts = statements.map(({ start }) => start)
  return statements.map(({ text, start }, index) => ({
    // What stands between two statements is a `;`, or a comment.
    text: text.includes('\n')
      ? script.slice(start, starts[index + 1]).replace(/[;\s]+$/, '')
      : readable(script, start, start + text.length, breaks),
    at: start,
  }))
}

/** What fits on a line is one; else it is broken where the Dockerfile was. */
function readable(script: string, start: number, end: number, breaks: readonly number[]): string {
  const text = script.slice(start, end)
  const line = collapsed(text)
  if (line.length <= LONGEST) return line
  const own = breaks.filter((at) => at > start && at < end).map((at) => at - start)
  return brokenLines(text, own)
    .split(' \\\n')
    .map((piece) => collapsed(piece))
    .join(' \\\n  ')
}

/** With single blanks where several stood, outside of quotes: continuations leave their indentation. */
function collapsed(text: string): string {
  let plain = ''
  let end = 0
  for (const token of shellTokens(text)) {
    const between = text.slice(end, token.start)
    plain += /^[ \t]+$/.test(between) ? ' ' : between
    plain += text.slice(token.start, token.end)
    end = token.end
  }
  return (plain + text.slice(end)).trim()
}
