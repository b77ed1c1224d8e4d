import { posix } from 'node:path'
import type { DraftFields } from '../draft.ts'
import { knownText } from '../text.ts'
import { Unreadable } from './expression.ts'
import type { StageState } from './stage-state.ts'

type Shared = Pick<StageState, 'context'>

/** What a text with hidden variables is now; undefined if nobody knows. */
export function knownHidden(text: string, { context }: Shared): string | undefined {
  return knownText(context.hidden.show(text))
}

/** The text with dots for its variables, for findings. */
export function shownHidden(text: string, { context }: Shared): string {
  const value = context.hidden.show(text)
  return typeof value === 'string' ? value : value.parts.map((part) => (typeof part === 'string' ? part : '…')).join('')
}

/** The path is absolute. What begins with a variable of the base is, as a rule. */
export function isAbsolutePath(text: string, shared: Shared): boolean {
  const known = knownHidden(text, shared)
  return known === undefined ? text.startsWith('/') || startsHidden(text) : known.startsWith('/')
}

/** The path without `.` and `..`, and without a slash at its end; relative ones begin at `folder`. @throws Unreadable */
export function absolutePath(text: string, folder: string, shared: Shared): string {
  const whole = isAbsolutePath(text, shared) ? text : `${folder}/${text}`
  const path = startsHidden(whole) ? whole : posix.normalize(whole)
  if (/(^|\/)\.\.(\/|$)/.test(knownHidden(path, shared) ?? '')) throw new Unreadable('a variable in its path has `..`')
  return path.replace(/(?<=.)\/+$/, '')
}

const startsHidden = (text: string) => /^[\u{100000}-\u{10fffd}]/u.test(text)

/** @throws Unreadable for a text that is known, and has not the form that a spec needs */
export function checkHidden(text: string, form: RegExp, wanted: string, shared: Shared): void {
  const known = knownHidden(text, shared)
  if (known === '') throw new Unreadable('it comes to nothing')
  if (known !== undefined && !form.test(known)) throw new Unreadable(`'${known}' is not ${wanted}`)
}

/** Fields in which hidden variables are themselves again. */
export function shownFields(fields: DraftFields, { context }: Shared): DraftFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? context.hidden.show(value) : value,
    ]),
  )
}
