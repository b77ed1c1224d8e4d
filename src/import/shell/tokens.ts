/** A piece of a shell script with where it is in it. */
export interface Token {
  readonly kind: 'word' | 'operator' | 'comment' | 'heredoc'
  /** Of a word: without its quotes. */
  readonly value: string
  /** Of a word: a shell makes more of it than its value, by variables, commands, braces or a tilde. */
  readonly expands: boolean
  /** Of a word: it has a wildcard. */
  readonly globs: boolean
  /** Of a word: something in it was quoted, so that it is no reserved word. */
  readonly quoted: boolean
  readonly start: number
  readonly end: number
}

/** A script ends within something, or has what this reader does not know. */
export class UnclearScript extends Error {}

const OPERATORS = ['&&', '||', ';;', '|&', '&>', '<<<', '<<-', '<<', '<&', '<>', '>>', '>&', '>|']
const SINGLE = ';|&()<>\n'

/**
 * The tokens of a script in the language of POSIX shells and bash. `isUnclear` says which characters stand for something that
 * is not known.
 * @throws UnclearScript for what is not closed
 */
export function shellTokens(script: string, isUnclear: (character: string) => boolean = () => false): Token[] {
  return new Tokens(script, isUnclear).all()
}

class Tokens {
  readonly #script: string
  readonly #isUnclear: (character: string) => boolean
  readonly #found: Token[] = []
  readonly #heredocs: { delimiter: string; tabs: boolean }[] = []
  #at = 0

  constructor(script: string, isUnclear: (character: string) => boolean) {
    this.#script = script
    this.#isUnclear = isUnclear
  }

  all(): Token[] {
    while (this.#at < this.#script.length) this.#next()
    if (this.#heredocs.length > 0) throw new UnclearScript('a heredoc is not closed')
    return this.#found
  }

  #next(): void {
    const character = this.#script[this.#at]!
    if (character === '\\' && this.#script[this.#at + 1] === '\n') this.#at += 2
    else if (character === ' ' || character === '\t' || character === '\r') this.#at++
    else if (character === '#') this.#comment()
    else if (SINGLE.includes(character)) this.#operator()
    else this.#word()
  }

  #add(kind: Token['kind'], start: number, details: Partial<Token> = {}): void {
    const none = { value: this.#script.slice(start, this.#at), expands: false, globs: false, quoted: false }
    this.#found.push({ kind, ...none, ...details, start, end: this.#at })
  }

  #comment(): void {
    const start = this.#at
    const end = this.#script.indexOf('\n', start)
    this.#at = end < 0 ? this.#script.length : end
    this.#add('comment', start)
  }

  #operator(): void {
    const start = this.#at
    const known = OPERATORS.find((operator) => this.#script.startsWith(operator, start))
    if (this.#script[start] === '\n' && this.#heredocs.length > 0) this.#bodies()
    else {
      this.#at += known?.length ?? 1
      this.#add('operator', start)
    }
  }

  /** What stands behind the line, up to the delimiters, comes before the newline that ends the last. */
  #bodies(): void {
    this.#at++
    const start = this.#at
    for (const { delimiter, tabs } of this.#heredocs.splice(0)) {
      for (;;) {
        if (this.#at >= this.#script.length) throw new UnclearScript(`the heredoc '${delimiter}' is not closed`)
        const end = this.#script.indexOf('\n', this.#at)
        const line = this.#script.slice(this.#at, end < 0 ? undefined : end)
        this.#at = end < 0 ? this.#script.length : end + 1
        if ((tabs ? line.replace(/^\t+/, '') : line) === delimiter) break
      }
    }
    if (this.#script[this.#at - 1] === '\n') this.#at--
    this.#add('heredoc', start)
  }

  #word(): void {
    const start = this.#at
    const word = { value: '', expands: this.#script[start] === '~', globs: false, quoted: false }
    while (this.#at < this.#script.length && !/[\s;|&()<>]/.test(this.#script[this.#at]!)) this.#piece(word)
    const raw = this.#script.slice(start, this.#at)
    if (/\{[^}]*(,|\.\.)[^}]*\}/.test(raw)) word.expands = true
    const before = this.#found.at(-1)
    this.#add('word', start, word)
    if (before?.kind !== 'operator' || !/^<<-?$/.test(before.value)) return
    if (word.expands) throw new UnclearScript('the delimiter of a heredoc is not known')
    this.#heredocs.push({ delimiter: word.value, tabs: before.value === '<<-' })
  }

  #piece(word: { value: string; expands: boolean; globs: boolean; quoted: boolean }): void {
    const character = String.fromCodePoint(this.#script.codePointAt(this.#at)!)
    if (character === "'") {
      const end = this.#find("'", this.#at + 1)
      word.value += this.#script.slice(this.#at + 1, end)
      word.quoted = true
      this.#at = end + 1
    } else if (character === '"') {
      this.#at++
      word.quoted = true
      this.#doubleQuoted(word)
    } else if (character === '\\') {
      const next = this.#script[this.#at + 1]
      if (next === undefined) throw new UnclearScript('the script ends with a backslash')
      if (next !== '\n') word.value += next
      word.quoted = true
      this.#at += 2
    } else if (character === '$' || character === '`') this.#expansion(word)
    else {
      if ('*?['.includes(character)) word.globs = true
      if (this.#isUnclear(character)) word.expands = true
      word.value += character
      this.#at += character.length
    }
  }

  #doubleQuoted(word: { value: string; expands: boolean }): void {
    for (;;) {
      if (this.#at >= this.#script.length) throw new UnclearScript('a quote is not closed')
      const character = String.fromCodePoint(this.#script.codePointAt(this.#at)!)
      const next = this.#script[this.#at + 1] ?? ''
      if (character === '"') {
        this.#at++
        return
      }
      if (character === '$' || character === '`') this.#expansion(word)
      else if (character === '\\' && '$`"\\\n'.includes(next)) {
        word.value += next === '\n' ? '' : next
        this.#at += 2
      } else {
        if (this.#isUnclear(character)) word.expands = true
        word.value += character
        this.#at += character.length
      }
    }
  }

  /** A variable, or a command in its place; what it gives is not known. */
  #expansion(word: { value: string; expands: boolean }): void {
    const start = this.#at
    const next = this.#script[start + 1] ?? ''
    if (this.#script[start] === '`') this.#at = this.#find('`', start + 1) + 1
    else if (next === '(' || next === '{') this.#at = this.#closing(start + 1, next, next === '(' ? ')' : '}')
    else if (next === "'") this.#at = this.#find("'", start + 2) + 1
    else
      this.#at += 1 + (/^([A-Za-z_]\w*|[\d@*#?$!-])/.exec(this.#script.slice(start + 1, start + 100))?.[0].length ?? 0)
    word.value += this.#script.slice(start, this.#at)
    if (this.#at > start + 1) word.expands = true
  }

  /** Behind the bracket that closes the one here; quotes and brackets between them count. */
  #closing(start: number, open: string, close: string): number {
    let depth = 0
    for (let at = start; at < this.#script.length; at++) {
      const character = this.#script[at]
      if (character === '\\') at++
      else if (character === "'" || character === '`') at = this.#find(character, at + 1)
      else if (character === '"') at = this.#behindQuote(at + 1)
      else if (character === open) depth++
      else if (character === close && --depth === 0) return at + 1
    }
    throw new UnclearScript(`'${close}' is missing`)
  }

  #behindQuote(start: number): number {
    for (let at = start; at < this.#script.length; at++) {
      if (this.#script[at] === '\\') at++
      else if (this.#script[at] === '"') return at
    }
    throw new UnclearScript('a quote is not closed')
  }

  #find(character: string, start: number): number {
    const at = this.#script.indexOf(character, start)
    if (at < 0) throw new UnclearScript(`${character} is not closed`)
    return at
  }
}
