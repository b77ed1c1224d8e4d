/** Something that is opened and not closed. */
export interface LeftOpen {
  readonly kind: 'quote' | 'heredoc' | 'bracket'
  /** Of a quote where its line ends, else where it is opened. */
  readonly offset: number
  /** What opens it; of a heredoc its delimiter. */
  readonly opener: string
}

const CLOSERS: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')', '${': '}', '%{': '}' }
const OUTSIDE = /\/\*[\s\S]*?\*\/|(?:#|\/\/).*|<<-?([\w-]+)[ \t\r]*\n|["{}[\]()]/g
const INSIDE = /\\.|\$\$\{|%%\{|[$%]\{|"|\n/g

/**
 * What a text leaves open up to a place: for messages, so that a mistake is shown where it is made and not where the parser
 * notices it. Knows quotes, heredocs, brackets and comments, no more.
 */
export function leftOpen(text: string, upTo: number): LeftOpen | undefined {
  const open: { readonly opener: string; readonly offset: number }[] = []
  let at = 0
  for (;;) {
    const pattern = open.at(-1)?.opener === '"' ? INSIDE : OUTSIDE
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found === null || found.index >= upTo) break
    const [token, delimiter] = found
    at = found.index + token.length
    if (token === '\n') return { kind: 'quote', offset: found.index, opener: '"' }
    if (delimiter !== undefined) {
      const end = endOfHeredoc(text, at, delimiter)
      if (end === undefined) return { kind: 'heredoc', offset: found.index, opener: delimiter }
      at = end
    } else if (token === '"' && open.at(-1)?.opener === '"') open.pop()
    else if (token === '"' || token in CLOSERS) open.push({ opener: token, offset: found.index })
    else if (/^[}\])]$/.test(token)) {
      if (CLOSERS[open.at(-1)?.opener ?? ''] !== token) return undefined
      open.pop()
    }
  }
  const last = open.at(-1)
  return last === undefined || last.opener === '"' ? undefined : { kind: 'bracket', ...last }
}

/** Where the line of the closing delimiter ends. */
function endOfHeredoc(text: string, from: number, delimiter: string): number | undefined {
  let at = from
  while (at < text.length) {
    const newline = text.indexOf('\n', at)
    const end = newline < 0 ? text.length : newline
    if (text.slice(at, end).trim() === delimiter) return end
    at = end + 1
  }
  return undefined
}
