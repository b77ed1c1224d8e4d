/** Whether a bracket expression takes the character with this code. */
export type BracketTest = (code: number) => boolean

export interface Bracket {
  readonly test: BracketTest
  /** Index of the first character behind the closing `]`. */
  readonly next: number
}

interface Element {
  /** null: an unknown class, which makes the whole expression fail when the search gets that far. */
  readonly test: BracketTest | null
  readonly next: number
}

const CLASSES: ReadonlyMap<string, RegExp> = new Map([
  ['alpha', /[[\p{Alphabetic}\p{Nd}]--[0-9]]/v],
  ['digit', /[0-9]/],
  ['alnum', /[\p{Alphabetic}\p{Nd}]/u],
  ['upper', /\p{Uppercase}/u],
  ['lower', /\p{Lowercase}/u],
  ['space', /[\t-\r \u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]/],
  ['blank', /[\t \u1680\u2000-\u2006\u2008-\u200a\u205f\u3000]/],
  ['punct', /[[\p{P}\p{S}\p{M}]--\p{Alphabetic}]/v],
  ['print', /[^\p{Cc}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u],
  ['graph', /[^\p{Cc}\p{Cs}\p{Cn}\p{Z}]/u],
  ['cntrl', /[\p{Cc}\p{Zl}\p{Zp}]/u],
  ['xdigit', /[0-9A-Fa-f]/],
])

/**
 * The bracket expression whose `[` stands just before `at`, or undefined when nothing closes it: then the `[` is an
 * ordinary character. With `ascii`, codes are bytes and those above 127 belong to no class.
 * Source: POSIX.1-2017 XBD 9.3.5 and XCU 2.13.1; glibc's fnmatch(3) for `^`, escapes and malformed ones.
 */
export function parseBracket(pattern: readonly number[], at: number, ascii: boolean): Bracket | undefined {
  const negated = isOneOf(pattern[at], '!^')
  let index = negated ? at + 1 : at
  const tests: (BracketTest | null)[] = []
  for (let first = true; first || pattern[index] !== CLOSE; first = false) {
    if (index >= pattern.length) return undefined
    const element = parseElement(pattern, index, ascii)
    if (element === undefined) return undefined
    tests.push(element.test)
    index = element.next
  }
  return { test: (code) => found(tests, code, negated), next: index + 1 }
}

const OPEN = 0x5b
const CLOSE = 0x5d
const ESCAPE = 0x5c
const DASH = 0x2d

function found(tests: readonly (BracketTest | null)[], code: number, negated: boolean): boolean {
  for (const test of tests) {
    if (test === null) return false
    if (test(code)) return !negated
  }
  return negated
}

function parseElement(pattern: readonly number[], at: number, ascii: boolean): Element | undefined {
  const named = parseClass(pattern, at, ascii) ?? parseEquivalent(pattern, at)
  if (named !== undefined) return named
  const low = parseSingle(pattern, at)
  if (low === undefined) return undefined
  if (pattern[low.next] !== DASH || pattern[low.next + 1] === CLOSE) {
    return { test: low.code === null ? null : (code) => code === low.code, next: low.next }
  }
  const high = parseSingle(pattern, low.next + 1)
  if (high === undefined) return undefined
  const { code: from } = low
  const { code: to } = high
  return { test: from === null || to === null ? null : (code) => from <= code && code <= to, next: high.next }
}

/** `[:alpha:]`. A name with other characters than a lower-case letter is no class at all, but single characters. */
function parseClass(pattern: readonly number[], at: number, ascii: boolean): Element | undefined {
  if (pattern[at] !== OPEN || !isOneOf(pattern[at + 1], ':')) return undefined
  let end = at + 2
  while (pattern[end] !== undefined && /[a-z]/.test(String.fromCodePoint(pattern[end]!))) end++
  if (!isOneOf(pattern[end], ':') || pattern[end + 1] !== CLOSE) return undefined
  const members = CLASSES.get(String.fromCodePoint(...pattern.slice(at + 2, end)))
  if (members === undefined) return { test: null, next: end + 2 }
  return { test: (code) => !(ascii && code > 0x7f) && members.test(String.fromCodePoint(code)), next: end + 2 }
}

/** `[=c=]`: in a UTF-8 locale without collation rules, c alone. Never the end of a range. */
function parseEquivalent(pattern: readonly number[], at: number): Element | undefined {
  const code = pattern[at + 2]
  if (pattern[at] !== OPEN || !isOneOf(pattern[at + 1], '=') || code === undefined) return undefined
  if (!isOneOf(pattern[at + 3], '=') || pattern[at + 4] !== CLOSE) return undefined
  return { test: (other) => other === code, next: at + 5 }
}

/** One character: itself, escaped, or `[.c.]`; null for a collating symbol of several characters, which no locale of ours has. */
function parseSingle(pattern: readonly number[], at: number): { code: number | null; next: number } | undefined {
  const code = pattern[at]
  if (code === undefined) return undefined
  if (code === ESCAPE) {
    const escaped = pattern[at + 1]
    return escaped === undefined ? undefined : { code: escaped, next: at + 2 }
  }
  if (code !== OPEN || !isOneOf(pattern[at + 1], '.')) return { code, next: at + 1 }
  let end = at + 2
  while (!(isOneOf(pattern[end], '.') && pattern[end + 1] === CLOSE)) if (end++ >= pattern.length) return undefined
  return { code: end === at + 3 ? pattern[at + 2]! : null, next: end + 2 }
}

function isOneOf(code: number | undefined, characters: string): boolean {
  return code !== undefined && characters.includes(String.fromCodePoint(code))
}
