import type { Place } from './value.ts'

/**
 * What became of a part of a template:
 * `mapped` means the same in the spec; `lifted` is done in a better way; `differs` behaves otherwise here; `defect` was wrong in the
 * template already; `todo` could not be imported, and the spec says so at its place.
 */
export type FindingKind = 'mapped' | 'lifted' | 'differs' | 'defect' | 'todo'

export interface Finding {
  readonly kind: FindingKind
  /** `OB101`: the same for the same finding in every template; docs/packer.md has a row for each. */
  readonly id: string
  readonly place: Place
  /** The observed fact, one sentence. */
  readonly says: string
  /** What to do about it; for `mapped` and `lifted`, what it has become. */
  readonly advice: string
}
