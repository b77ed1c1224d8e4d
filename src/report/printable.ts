import { stripVTControlCharacters } from 'node:util'

/**
 * A foreign line as a terminal would leave it, and nothing that a terminal would obey: without escape sequences and
 * control characters, and only what stands behind the last carriage return, which is how progress bars overwrite
 * themselves.
 */
export function printable(line: string): string {
  const text = stripVTControlCharacters(line).replace(/\r+$/, '')
  return text.slice(text.lastIndexOf('\r') + 1).replace(/[^\P{Cc}\t]/gu, '')
}
