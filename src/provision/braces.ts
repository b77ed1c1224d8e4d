/**
 * What a shell makes of `{a,b}`: one text for each alternative, nested and repeated ones too. Braces without a comma,
 * without a partner or behind a backslash are characters like others.
 */
export function expandBraces(text: string): string[] {
  for (let open = 0; open < text.length; open++) {
    if (text[open] === '\\') open++
    else if (text[open] === '{') {
      const parts = alternatives(text, open)
      if (parts === undefined) continue
      const rest = expandBraces(text.slice(parts.end))
      const inner = parts.texts.flatMap(expandBraces)
      return inner.flatMap((middle) => rest.map((tail) => text.slice(0, open) + middle + tail))
    }
  }
  return [text]
}

/** The alternatives of the brace at `open`, and where the text goes on behind it. */
function alternatives(text: string, open: number): { texts: string[]; end: number } | undefined {
  const texts: string[] = []
  let start = open + 1
  for (let at = open + 1, depth = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') at++
    else if (character === '{') depth++
    else if (character === ',' && depth === 0) {
      texts.push(text.slice(start, at))
      start = at + 1
    } else if (character === '}' && depth-- === 0) {
      if (texts.length === 0) return undefined
      return { texts: [...texts, text.slice(start, at)], end: at + 1 }
    }
  }
  return undefined
}
