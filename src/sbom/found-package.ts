import type { ByteString } from '../oci/name.ts'

/** A package that some package manager has put into an image, by what it has written down. */
export interface FoundPackage {
  readonly name: string
  readonly version: string
  readonly purl: string
  /** Whoever made this package of the program, as SPDX names people and organisations. */
  readonly supplier?: string | undefined
  /** An SPDX license expression. */
  readonly license?: string | undefined
  /** The file that says so: a path from the root. */
  readonly from: ByteString
}

/** The packages and what was not read of them, as they are found. */
export type Find = (found: FoundPackage) => void

/** What no package manager gives as a name or a version: too long, spaces, control characters, other scripts. */
export function isPlausible(text: string | undefined): text is string {
  return text !== undefined && /^[\x21-\x7e]{1,214}$/.test(text)
}

/** What is like that, or nothing. */
export function plausible(text: string | undefined): string | undefined {
  return isPlausible(text) ? text : undefined
}

/** `Name <address>`, as package managers write it. (SPDX 2.3, 7.5) @returns undefined for what is nothing like it */
export function partyOf(text = ''): string | undefined {
  if (text.length > 500) return undefined
  // No part can be taken for another: that would take long for texts that are made for it.
  const [, before = '', address] = /^([^<>]*)(?:<([^<>\s]{1,200})>)?$/.exec(text.trim()) ?? []
  const name = before.trim().replace(/^"|"$/g, '')
  if (name.length > 200 || name.includes('"')) return undefined
  // What stands in brackets would be the address.
  const shown = name
    .replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
    .replaceAll('(', '[')
    .replaceAll(')', ']')
    .toWellFormed()
  if (shown.trim() === '') return undefined
  const kind = TEAM.test(shown) ? 'Organization' : 'Person'
  return `${kind}: ${shown}${address === undefined ? '' : ` (${address.replace(/[^\x21-\x7e]|[()]/g, '?')})`}`
}

/** How teams are called: nothing else tells them from people. */
const TEAM = /\b(team|maintainers|developers|packagers|group|project|inc|ltd|gmbh|llc)\b/i
