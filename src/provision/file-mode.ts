import { OcibakeError } from '../errors.ts'

const OCTAL = /^0?[0-7]{3,4}$/
const CLAUSE = /^([ugoa]*)([-+=][rwxXst]*)+$/
const ACTION = /([-+=])([rwxXst]*)/g

/** An octal mode as a string, 0..0o7777. @throws PATH_INVALID when it is none */
export function parseOctalMode(text: string): number {
  if (!OCTAL.test(text)) {
    throw new OcibakeError('PATH_INVALID', `'${text}' is no octal mode.`, {
      hint: "Write three or four digits: '0755'.",
    })
  }
  return Number.parseInt(text, 8)
}

export function isFileMode(text: string): boolean {
  return OCTAL.test(text) || text.split(',').every((clause) => CLAUSE.test(clause))
}

/**
 * What chmod(1) with `change` makes of `mode`: octal, or symbolic clauses. As there, a clause without u, g, o or a
 * means all (we have no umask), and X is x for directories and for files that somebody may execute already.
 * An octal mode keeps the set-id bits of a directory unless it has five digits ('00755'), as with GNU chmod.
 */
export function changeMode(mode: number, change: string, isDirectory: boolean): number {
  if (OCTAL.test(change)) {
    const wanted = Number.parseInt(change, 8)
    return isDirectory && change.length < 5 ? wanted | (mode & 0o6000) : wanted
  }
  return change.split(',').reduce((now, clause) => applyClause(now, clause, isDirectory), mode)
}

const WHO = { u: 0o4700, g: 0o2070, o: 0o1007 } as const
const BITS = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 } as const

function applyClause(mode: number, clause: string, isDirectory: boolean): number {
  const who = CLAUSE.exec(clause)?.[1] ?? ''
  const everybody = who === '' || who.includes('a')
  const mask = everybody ? 0o7777 : [...who].reduce((sum, letter) => sum | WHO[letter as keyof typeof WHO], 0)
  let now = mode
  for (const [, operator, letters] of clause.slice(who.length).matchAll(ACTION)) {
    const bits = [...letters!].reduce((sum, letter) => sum | bitsOf(letter, now, isDirectory), 0) & mask
    if (operator === '+') now |= bits
    else if (operator === '-') now &= ~bits
    else now = (now & ~clearedBy(mask, isDirectory)) | bits
  }
  return now
}

function bitsOf(letter: string, mode: number, isDirectory: boolean): number {
  if (letter === 'X') return isDirectory || (mode & 0o111) !== 0 ? BITS.x : 0
  return BITS[letter as keyof typeof BITS]
}

/** '=' clears all that the clause speaks of; a directory keeps its set-id bits, as with GNU chmod. */
function clearedBy(mask: number, isDirectory: boolean): number {
  return isDirectory ? mask & ~0o6000 : mask
}
