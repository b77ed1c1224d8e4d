import { bareUrl } from '../network/bare-url.ts'

const LONGEST = 300

/** Anything that may carry a secret in a text which somebody else wrote: what it is -> what stands for it. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/(\bhttps?:\/\/)[^\s/@"']*@/gi, '$1…@'],
  [/(\bhttps?:\/\/[^\s?#"']*)[?#][^\s"']*/gi, '$1?…'],
  [/\b(Basic|Bearer)\s+[A-Za-z0-9._~+/=-]{8,}/gi, '$1 …'],
  [/\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*/g, '…'],
  [/\b((?:access_|refresh_|identity)?token|password|secret|signature)(["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi, '$1$2…'],
]

/**
 * A foreign text fit for a message: one line of printable characters, at most 300, without query strings, user info,
 * tokens and what is introduced as a password.
 */
export function redact(text: string): string {
  let clean = text
    .slice(0, 16 * LONGEST)
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e\u00a1-\ud7ff]/g, '?')
    .trim()
  for (const [pattern, stand] of SECRETS) clean = clean.replace(pattern, stand)
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean
}

/** A name of a host that somebody typed, fit for a message: what stands before an `@` may be a password. */
export function displayHost(text: string): string {
  return redact(text.replace(/^.*@/s, '…@'))
}

/** A URL that somebody else wrote, fit for a message. */
export function displayUrl(url: URL): string {
  return redact(bareUrl(url))
}
