/**
 * A text of a Dockerfile with its quotes removed, as what it is made of: literal text, and variables of which the values
 * are not looked up yet.
 */
export type Expression = readonly Piece[]
export type Piece = string | Variable

export interface Variable {
  readonly name: string
  /** `${NAME:-word}`, `${NAME:+word}`; undefined: the value, or nothing. */
  readonly form?: ':-' | ':+'
  readonly word?: Expression
  /** `${NAME-word}` or `${NAME+word}`: set and empty counts as set. */
  readonly onlyUnset?: boolean
}

/** A part of a Dockerfile that cannot be had as it is meant; its message says why, for whoever reports it. */
export class Unreadable extends Error {}

const NAME = /[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]/y

/**
 * Reads a text as a Dockerfile's instructions do before they use it (buildkit, frontend/dockerfile/shell/lex.go): single
 * quotes keep everything, double quotes let variables through, the escape character keeps the next one.
 * @throws Unreadable for what is not closed, and for forms of the shell that only shells have
 */
export function readExpression(text: string, escaper = '\\'): Expression {
  return merged(new Reader(text, escaper).until(''))
}

/**
 * Reads the text of a heredoc, in which quotes are text and the escape character is the usual one, whatever `# escape=` says
 * (dockerfile2llb/convert.go: ExpandRaw).
 * @throws Unreadable
 */
export function readHeredocExpression(text: string): Expression {
  return merged(new Reader(text, '\\', false).until(''))
}

/** Neighbouring literals as one; none that is empty. */
export function merged(pieces: Expression): Expression {
  const whole: Piece[] = []
  for (const piece of pieces) {
    const last = whole.at(-1)
    if (piece === '') continue
    if (typeof piece === 'string' && typeof last === 'string') whole[whole.length - 1] = last + piece
    else whole.push(piece)
  }
  return whole
}

class Reader {
  #at = 0
  readonly #text: string
  readonly #escaper: string
  readonly #quotes: boolean

  constructor(text: string, escaper: string, quotes = true) {
    this.#text = text
    this.#escaper = escaper
    this.#quotes = quotes
  }

  /** Up to the closing character, which is taken, or to the end of the text. */
  until(closing: string): Piece[] {
    const pieces: Piece[] = []
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at]!
      if (character === closing) {
        this.#at++
        return pieces
      }
      if (this.#quotes && character === "'") pieces.push(this.#singleQuoted())
      else if (this.#quotes && character === '"') pieces.push(...this.#doubleQuoted())
      else if (character === '$') pieces.push(this.#variable())
      else pieces.push(this.#literal())
    }
    if (closing !== '') throw new Unreadable(`'${closing}' is missing`)
    return pieces
  }

  #literal(): string {
    const character = this.#text[this.#at++]!
    if (character !== this.#escaper) return character
    // At the end of the text the escape is dropped, as lex.go has it.
    return this.#text[this.#at++] ?? ''
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end < 0) throw new Unreadable('a single quote is not closed')
    const inner = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return inner
  }

  #doubleQuoted(): Piece[] {
    const pieces: Piece[] = []
    this.#at++
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) throw new Unreadable('a double quote is not closed')
      if (character === '"') {
        this.#at++
        return pieces
      }
      if (character === '$') pieces.push(this.#variable())
      else pieces.push(this.#inDoubleQuotes(character))
    }
  }

  /** Within double quotes the escape is one before a quote, a dollar and itself only. */
  #inDoubleQuotes(character: string): string {
    const next = this.#text[this.#at + 1]
    const isEscape = character === this.#escaper && next !== undefined && ['"', '$', this.#escaper].includes(next)
    this.#at += isEscape ? 2 : 1
    return isEscape ? next : character
  }

  #variable(): Piece {
    const next = this.#text[this.#at + 1]
    if (next === '{') return this.#inBraces()
    const name = this.#name(this.#at + 1)
    this.#at += 1 + name.length
    return name === '' ? '$' : { name }
  }

  #inBraces(): Piece {
    const name = this.#name(this.#at + 2)
    const behind = this.#at + 2 + name.length
    if (name === '') throw new Unreadable('a variable has no name')
    if (this.#text[behind] === '}') {
      this.#at = behind + 1
      return { name }
    }
    const [form = '', sign = ''] = /^:?([-+?])/.exec(this.#text.slice(behind)) ?? []
    if (form === '') throw new Unreadable(`\${${name}…} has a form that no spec has`)
    this.#at = behind + form.length
    const word = merged(this.until('}'))
    if (sign === '?') return { name }
    return { name, form: sign === '-' ? ':-' : ':+', word, ...(form.length === 1 ? { onlyUnset: true } : {}) }
  }

  #name(at: number): string {
    NAME.lastIndex = at
    return NAME.exec(this.#text)?.[0] ?? ''
  }
}
