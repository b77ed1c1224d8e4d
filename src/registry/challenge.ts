/** One way in which a server offers to be authenticated to: RFC 9110 section 11.3. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** Names in lower case, values without their quotes. The first of two with the same name counts. */
  readonly parameters: ReadonlyMap<string, string>
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const PARAMETER = new RegExp(`[\\s,]*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]*))\\s*(?=,|$)`, 'y')
const SCHEME = new RegExp(`[\\s,]*(${TOKEN})(?=\\s|,|$)`, 'y')
const TOKEN68 = /\s+[A-Za-z0-9._~+/-]+=*\s*(?=,|$)/y

/**
 * The challenges of a WWW-Authenticate header, in order; several header lines are to be joined with commas. Commas in
 * quotes, unknown schemes and `token68` values are understood; what breaks the grammar ends the list there.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = []
  let at = 0
  while (at < header.length) {
    const scheme = match(SCHEME, header, at)
    if (scheme === null) break
    at = SCHEME.lastIndex
    const parameters = new Map<string, string>()
    challenges.push({ scheme: scheme[1]!.toLowerCase(), parameters })
    if (match(TOKEN68, header, at) !== null) at = TOKEN68.lastIndex
    for (let found = match(PARAMETER, header, at); found !== null; found = match(PARAMETER, header, at)) {
      at = PARAMETER.lastIndex
      const name = found[1]!.toLowerCase()
      const value = found[2]?.replace(/\\(.)/g, '$1') ?? found[3] ?? ''
      if (!parameters.has(name)) parameters.set(name, value)
    }
  }
  return challenges
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
