import { Mixed, type Part, type Text } from './value.ts'

/** Texts one behind the other: literal parts that meet become one, and a text without other parts is a string. */
export function joinText(texts: readonly (Text | Part)[]): Text {
  const parts: Part[] = []
  for (const part of texts.flatMap((text) => (text instanceof Mixed ? text.parts : [text]))) {
    const last = parts.at(-1)
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part
    else if (part !== '') parts.push(part)
  }
  if (parts.length === 0) return ''
  return parts.length === 1 && typeof parts[0] === 'string' ? parts[0] : new Mixed(parts)
}
