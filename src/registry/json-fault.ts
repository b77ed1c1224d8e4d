const LITERAL = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SPACE = /[ \t\n\r]*/y

/**
 * Where a text stops being JSON, as `line L, column C` (from 1), or undefined if it is JSON. For files of secrets:
 * what JSON.parse says of a fault quotes the text around it.
 */
export function jsonFault(text: string): string | undefined {
  const scanner = new Scanner(text)
  if (scanner.value(0) && scanner.at === text.length) return undefined
  const lines = text.slice(0, scanner.at).split('\n')
  return `line ${lines.length}, column ${lines.at(-1)!.length + 1}`
}

const DEEPEST = 100

class Scanner {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Passes a value and the space around it. Stops at the fault, and says false, if there is none. */
  value(depth: number): boolean {
    this.#pass(SPACE)
    const c = this.#text[this.at]
    let good: boolean
    if (depth > DEEPEST) good = false
    else if (c === '{') good = this.#list('}', () => this.#member(depth))
    else if (c === '[') good = this.#list(']', () => this.value(depth + 1))
    else good = this.#pass(c === '"' ? STRING : LITERAL)
    if (good) this.#pass(SPACE)
    return good
  }

  #member(depth: number): boolean {
    this.#pass(SPACE)
    if (!this.#pass(STRING)) return false
    this.#pass(SPACE)
    return this.#take(':') && this.value(depth + 1)
  }

  #list(end: string, item: () => boolean): boolean {
    this.at++
    this.#pass(SPACE)
    if (this.#take(end)) return true
    do {
      if (!item()) return false
    } while (this.#take(','))
    return this.#take(end)
  }

  #take(character: string): boolean {
    if (this.#text[this.at] !== character) return false
    this.at++
    return true
  }

  #pass(pattern: RegExp): boolean {
    pattern.lastIndex = this.at
    if (!pattern.test(this.#text)) return false
    this.at = pattern.lastIndex
    return true
  }
}
