import { isMixed, isReference, Mixed, type Part, type Reference, type Text, type Unknown } from './value.ts'

/** The parts of a text, of which a literal one may be the only one. */
export function partsOf(text: Text): readonly Part[] {
  return isMixed(text) ? text.parts : [text]
}

/** The texts one behind the other: plain text if nothing in them is not literal. */
export function joinTexts(...texts: readonly Text[]): Text {
  const parts: Part[] = []
  for (const part of texts.flatMap(partsOf)) {
    const last = parts.at(-1)
    if (part === '') continue
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part
    else parts.push(part)
  }
  const [first = ''] = parts
  return parts.length <= 1 && typeof first === 'string' ? first : new Mixed(parts)
}

/** One part as a text. */
export function textOfPart(part: Part): Text {
  return typeof part === 'string' ? part : new Mixed([part])
}

/** The texts between separators, without blanks around them. */
export function splitText(text: Text, separator: string): Text[] {
  const pieces: Text[][] = [[]]
  for (const part of partsOf(text)) {
    const [first = '', ...others] = typeof part === 'string' ? part.split(separator) : [textOfPart(part)]
    pieces.at(-1)!.push(first)
    for (const other of others) pieces.push([other])
  }
  return pieces.map((parts) => trimmed(joinTexts(...parts)))
}

function trimmed(text: Text): Text {
  const parts = partsOf(text).map((part, index, all) => {
    if (typeof part !== 'string') return textOfPart(part)
    const start = index === 0 ? part.trimStart() : part
    return index === all.length - 1 ? start.trimEnd() : start
  })
  return joinTexts(...parts)
}

/** What the text is now: with the variables' values. undefined if one has none, or a part is unknown. */
export function knownText(text: Text): string | undefined {
  const values = partsOf(text).map((part) =>
    typeof part === 'string' ? part : isReference(part) ? part.value : undefined,
  )
  return values.includes(undefined) ? undefined : values.join('')
}

/** The same for parts that mean the same, and for no others. */
export function partKey(part: Reference | Unknown): string {
  // An ARG has a default in each stage.
  return isReference(part) ? `variable ${part.variable} ${JSON.stringify([part.value])}` : `unknown ${part.unknown}`
}
