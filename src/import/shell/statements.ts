import { shellTokens, type Token, UnclearScript } from './tokens.ts'

/** A part of a script that ends where a new line or `;` does, outside of everything. */
export interface Statement {
  /** As it is written. */
  readonly text: string
  /** Where it begins in the script. */
  readonly start: number
  /** It follows the one before on the same line, behind a `;`. */
  readonly sameLine: boolean
  /** Only commands of plain words, one or several with `&&` between them; undefined for everything else. */
  readonly commands: readonly Command[] | undefined
  /** Two such commands with `|` between them. */
  readonly pipe: readonly [Command, Command] | undefined
  /** The first words of all commands in it, as far as they are known; '' for others. */
  readonly heads: readonly string[]
  /** It sets variables, makes functions, or starts something in the background. */
  readonly isOdd: boolean
  /** It sets variables and does nothing else. */
  readonly assigns: boolean
  /** A command in it stands in the place of a word. */
  readonly substitutes: boolean
}

/** A command of which every word is known, and means itself. */
export interface Command {
  readonly words: readonly string[]
  readonly text: string
  /** A word has a wildcard. */
  readonly globs: boolean
}

const OPENING: ReadonlyMap<string, string> = new Map([
  ['if', 'fi'],
  ['for', 'done'],
  ['while', 'done'],
  ['until', 'done'],
  ['select', 'done'],
  ['case', 'esac'],
  ['[[', ']]'],
])
/** A command follows these. */
const LEADING = new Set(['then', 'else', 'elif', 'do', '!', 'if', 'while', 'until', '{'])
const GOES_ON = new Set(['&&', '||', '|', '|&'])

/** The statements of a script. What cannot be read is one statement up to the end, of which nothing is known. */
export function shellStatements(script: string, isUnclear?: (character: string) => boolean): Statement[] {
  let tokens: readonly Token[] = []
  try {
    tokens = shellTokens(script, isUnclear)
  } catch (error) {
    if (!(error instanceof UnclearScript)) throw error
    return script.trim() === '' ? [] : [unknownStatement(script)]
  }
  const groups = grouped(tokens)
  if (groups === undefined) return [unknownStatement(script)]
  return groups.map((group) => statementOf(group.tokens, group.sameLine, script))
}

function unknownStatement(script: string): Statement {
  const unknown = { commands: undefined, pipe: undefined, heads: [''], isOdd: true, assigns: false, substitutes: true }
  return { text: script, start: 0, sameLine: false, ...unknown }
}

interface Group {
  readonly tokens: Token[]
  readonly sameLine: boolean
}

/** undefined: a compound command is not closed. */
function grouped(tokens: readonly Token[]): Group[] | undefined {
  const groups: Group[] = []
  let open: Token[] = []
  let sameLine = false
  const nesting: string[] = []
  for (const [index, token] of tokens.entries()) {
    const isEnd = token.kind === 'operator' && (token.value === '\n' || token.value === ';')
    if (isEnd && nesting.length === 0 && !GOES_ON.has(lastOf(open)?.value ?? '')) {
      if (open.length > 0) groups.push({ tokens: open, sameLine })
      sameLine = token.value === ';' && open.length > 0
      open = []
      continue
    }
    nest(nesting, token, isCommandPosition(tokens, index))
    if (open.length > 0 || token.value !== '\n') open.push(token)
  }
  if (open.length > 0) groups.push({ tokens: open, sameLine })
  return nesting.length === 0 ? groups : undefined
}

const lastOf = (tokens: readonly Token[]) => tokens.findLast(({ kind, value }) => kind !== 'comment' && value !== '\n')

/** Goes into a compound command, or out of it. */
function nest(nesting: string[], token: Token, first: boolean): void {
  const top = nesting.at(-1)
  if (token.kind === 'operator' && token.value === '(' && top !== 'esac') nesting.push(')')
  else if (token.kind === 'operator' && token.value === ')' && top === ')') nesting.pop()
  if (token.kind !== 'word' || token.quoted) return
  const closing = OPENING.get(token.value)
  if (first && closing !== undefined) nesting.push(closing)
  else if (token.value === '{') nesting.push('}')
  else if (token.value === top && (first || top === ']]')) nesting.pop()
}

/** A word here is the name of a program, or reserved. */
function isCommandPosition(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]
  if (before === undefined || before.kind === 'comment' || before.kind === 'heredoc') return true
  if (before.kind === 'operator') return /^(&&|\|\||\||\|&|;|;;|&|\(|\)|\n)$/.test(before.value)
  return !before.quoted && LEADING.has(before.value) && isCommandPosition(tokens, index - 1)
}

function statementOf(tokens: readonly Token[], sameLine: boolean, script: string): Statement {
  const start = tokens[0]!.start
  const text = script.slice(start, tokens.at(-1)!.end)
  const code = tokens.filter(({ kind }) => kind !== 'comment')
  const first = code.filter((token, index) => token.kind === 'word' && isCommandPosition(code, index))
  const isAssignment = (token: Token) => /^[A-Za-z_]\w*\+?=/.test(token.value)
  const isFunction = code.some(({ value }, index) => value === '(' && code[index + 1]?.value === ')')
  return {
    ...{ text, start, sameLine },
    ...commandsOf(code, script),
    heads: first.map((token) => (token.expands ? '' : token.value)),
    isOdd:
      isFunction || first.some(isAssignment) || code.some(({ kind, value }) => kind === 'operator' && value === '&'),
    assigns: code.every((token) => token.kind === 'word' && isAssignment(token)),
    substitutes: /`|\$\(/.test(text),
  }
}

function commandsOf(tokens: readonly Token[], script: string): Pick<Statement, 'commands' | 'pipe'> {
  const none = { commands: undefined, pipe: undefined }
  const operators = tokens.filter(({ kind }) => kind === 'operator').map(({ value }) => value)
  const parts: Token[][] = [[]]
  for (const token of tokens) {
    if (token.kind === 'operator') parts.push([])
    else parts.at(-1)!.push(token)
  }
  if (tokens.some(({ kind, expands }) => kind === 'heredoc' || expands) || parts.some((part) => part.length === 0))
    return none
  const commands = parts.map((part) => ({
    words: part.map(({ value }) => value),
    text: script.slice(part[0]!.start, part.at(-1)!.end),
    globs: part.some(({ globs }) => globs),
  }))
  if (commands.some(({ words }) => OPENING.has(words[0]!) || LEADING.has(words[0]!) || /^\w+=/.test(words[0]!)))
    return none
  if (operators.every((operator) => operator === '&&')) return { commands, pipe: undefined }
  const [one, two, ...others] = commands
  const isPipe = operators.length === 1 && operators[0] === '|' && others.length === 0
  return isPipe ? { commands: undefined, pipe: [one!, two!] } : none
}
