import type { Place, Text } from './value.ts'

/** A spec as an import makes it: as in `Spec`, but texts may have variables in them and steps may have comments. */
export interface Draft {
  /** Names the file: `NAME.spec.ts`. */
  readonly name: string
  readonly from: DraftValue
  readonly platform?: Text
  readonly steps: readonly DraftStep[]
  /** As `Spec.config`. */
  readonly config: DraftFields
  readonly tags: readonly Text[]
  /** Other fields of a spec, such as `layers`. */
  readonly others: DraftFields
}

export interface DraftStep {
  /** As a `Step`: its verb is the first key. Without fields it is a comment alone: a TODO. */
  readonly step?: DraftFields
  /** Lines above it in the spec: only where something changed or is left to do. */
  readonly comment: readonly string[]
  /** What of the template it comes from. */
  readonly places: readonly Place[]
}

export type DraftFields = { readonly [name: string]: DraftValue }
export type DraftValue = Text | number | boolean | readonly DraftValue[] | DraftFields
