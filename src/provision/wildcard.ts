import { type ByteString, fromText, toText } from '../oci/name.ts'
import { type BracketTest, parseBracket } from './wildcard-bracket.ts'

/** Whether a member's name, as the archive has it but without trailing slashes, is meant. */
export type NameTest = (name: ByteString) => boolean

/** A character that must be this one, a test that it must pass, or any number of any characters. */
type Token = number | BracketTest | typeof STAR

const STAR = Symbol('*')
const SLASH = 0x2f

/**
 * The test that `tar -x --wildcards PATTERN` makes: anchored at the start of the name, `*` and `?` take `/` too, and a
 * pattern that names a folder takes all that is in it. A character is a UTF-8 one and, where that does not match, a byte,
 * as for glibc. Takes time proportional to pattern times name, whatever they are.
 * Backslashes reach fnmatch as they are (`--no-unquote`): by default tar would first read `\n` as a newline and `\?` as DEL.
 * Source: GNU tar manual, "Controlling Pattern-Matching"; fnmatch(3) with FNM_LEADING_DIR.
 */
export function memberPattern(pattern: string): NameTest {
  return compile(pattern.replace(/(?<=.)\/+$/su, ''))
}

/**
 * The test that `tar --exclude=PATTERN` makes: as `memberPattern`, but it may start behind any slash of the name, and a
 * slash at the pattern's end has to be met.
 */
export function excludePattern(pattern: string): NameTest {
  const matches = hasWildcard(pattern) ? compile(pattern) : literal(pattern)
  return (name) => {
    if (matches(name)) return true
    for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
      const rest = slash + 1
      if (rest < name.length && name[rest] !== '/' && matches(name.slice(rest))) return true
    }
    return false
  }
}

/** The test that a shell makes of one name, dot files not set apart: `*`, `?`, `[a-z]`, `[!a]`, backslash. */
export function namePattern(pattern: string): NameTest {
  return compile(pattern)
}

export function hasWildcard(pattern: string): boolean {
  return /[*?[]/.test(pattern.replace(/\\./gsu, ''))
}

/** tar looks excludes without wildcards up in a table instead: then a backslash at the end is a character like others. */
function literal(pattern: string): NameTest {
  const wanted = fromText(pattern.replace(/\\(.)/gsu, '$1'))
  return (name) => name.startsWith(wanted) && (name.length === wanted.length || name[wanted.length] === '/')
}

function compile(pattern: string): NameTest {
  const byCharacter = tokens(codePoints(pattern), false)
  let byByte: readonly Token[] | undefined
  return (name) => {
    const text = toText(name)
    if (text === name)
      return accepts(byCharacter, name.length <= ASCII.length ? ascii(name) : codePoints(name), name.length)
    const characters = text === undefined ? undefined : codePoints(text)
    if (characters !== undefined && accepts(byCharacter, characters, characters.length)) return true
    byByte ??= tokens(codePoints(fromText(pattern)), true)
    return accepts(byByte, codePoints(name), name.length)
  }
}

/** Where the name at hand is looked at: an array for each of 50,000 members takes half a second. */
const ASCII = Buffer.alloc(4096)

/** The codes of a name of ASCII, until the next name. */
function ascii(name: ByteString): Uint8Array {
  ASCII.write(name, 'latin1')
  return ASCII
}

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0)!)
}

function tokens(pattern: readonly number[], ascii: boolean): Token[] {
  const result: Token[] = []
  for (let at = 0; at < pattern.length; ) {
    const code = pattern[at]!
    at++
    if (code === 0x2a /* * */) result.push(STAR)
    else if (code === 0x3f /* ? */) result.push(() => true)
    else if (code === 0x5c /* \ */) {
      const escaped = pattern[at++]
      result.push(escaped ?? (() => false))
    } else {
      const bracket = code === 0x5b /* [ */ ? parseBracket(pattern, at, ascii) : undefined
      result.push(bracket?.test ?? code)
      at = bracket?.next ?? at
    }
  }
  return result
}

/** Goes back to the last star only: a star further left could do no more for what comes behind the last one. */
function accepts(pattern: readonly Token[], name: ArrayLike<number>, length: number): boolean {
  let token = 0
  let at = 0
  let star = -1
  let starAt = 0
  for (;;) {
    if (token === pattern.length && (at === length || name[at] === SLASH)) return true
    const wanted = pattern[token]
    if (wanted === STAR) {
      star = token++
      starAt = at
    } else if (wanted !== undefined && at < length && takes(wanted, name[at]!)) {
      token++
      at++
    } else if (star !== -1 && starAt < length) {
      at = ++starAt
      token = star + 1
    } else {
      return false
    }
  }
}

function takes(token: number | BracketTest, code: number): boolean {
  return typeof token === 'number' ? token === code : token(code)
}
