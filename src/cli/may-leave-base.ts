import { readFileSync, statSync } from 'node:fs'

/** Bytes of a file that may well be a spec. */
const LIMIT = 1 << 20

/**
 * Whether the text of a spec has the name of the field by which it leaves its base unread: what is started before the spec
 * is loaded, to read a base, would be for nothing then. A guess, and of regular files alone: a pipe could be read once, or
 * never end. Never throws.
 */
export function mayLeaveBase(spec: string): boolean {
  try {
    const found = statSync(spec)
    return found.isFile() && found.size <= LIMIT && readFileSync(spec).includes('readBase')
  } catch {
    return false
  }
}
