import type { Value } from '../value.ts'

/** What a name such as `var` gives for a key. @throws Fault or Unknowable */
export type Root = (key: string) => Value

/** The names that an expression may use. */
export interface Scope {
  /** `var`, `local`, `path` … */
  readonly roots: ReadonlyMap<string, Root>
  /** Of loops and dynamic blocks; they hide roots. */
  readonly names: ReadonlyMap<string, Value>
}

/** Where only literals and functions may stand. */
export const NO_NAMES: Scope = { roots: new Map(), names: new Map() }
