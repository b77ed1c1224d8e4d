import { partKey, partsOf } from './text.ts'
import type { Text } from './value.ts'

/** Of two lines, which are one with an escaped newline then. */
const SHORT = 60

/** What a variable is called in the text of a spec, by `partKey`. */
export type Identifiers = ReadonlyMap<string, string>

/** A text as an expression of TypeScript: a literal, a variable, or a template with variables in it. */
export function writeText(text: Text, identifiers: Identifiers): string {
  const parts = partsOf(text)
  const [first] = parts
  if (parts.length === 1 && typeof first === 'object') return identifiers.get(partKey(first))!
  if (parts.every((part) => typeof part === 'string')) return quoted(parts.join(''))
  const inner = parts.map((part) =>
    typeof part === 'string' ? inTemplate(part) : `\${${identifiers.get(partKey(part))}}`,
  )
  const whole = inner.join('')
  return `\`${isLong(whole) ? whole : whole.replaceAll('\n', '\\n')}\``
}

/** In quotes of which it needs the fewest backslashes, or as a template if it has several lines. */
function quoted(text: string): string {
  if (isLong(text)) return `\`${inTemplate(text)}\``
  const double = count(text, "'") > count(text, '"')
  const quote = double ? '"' : "'"
  return quote + escaped(text).replaceAll(quote, `\\${quote}`).replaceAll('\n', '\\n') + quote
}

/** It is read better line by line. */
function isLong(text: string): boolean {
  const lines = text.trimEnd().split('\n')
  return (lines.length > 2 || (lines.length === 2 && text.length > SHORT)) && !/[^\P{Cc}\n\t]/u.test(text)
}

const count = (text: string, character: string) => text.split(character).length - 1

function inTemplate(text: string): string {
  return escaped(text).replaceAll('`', '\\`').replaceAll('${', '\\${')
}

/** Backslashes, and what an editor would not show. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(/[^\P{C}\n]|[\u2028\u2029\ufeff]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}
