import { readFileSync } from 'node:fs'

/**
 * Whether the text of a spec has the name of the field by which it leaves its base unread: what is started before the spec
 * is loaded, to read a base, would be for nothing then. A guess. Never throws.
 */
export function mayLeaveBase(spec: string): boolean {
  try {
    return readFileSync(spec).includes('readBase')
  } catch {
    return false
  }
}
