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
  /** What is known of variables beside their values; those that no text has are not written. */
  readonly variables?: readonly DraftVariable[]
  /** Lines above a field: only where something changed or is left to do. */
  readonly comments?: { readonly [field in 'from' | 'config' | 'tags']?: readonly string[] }
}

export interface DraftStep {
  /** As a `Step`: its verb is the first key. Without fields it is a comment alone: a TODO. */
  readonly step?: DraftFields
  /** Lines above it in the spec: only where something changed or is left to do. */
  readonly comment: readonly string[]
  /** What of the template it comes from. */
  readonly places: readonly Place[]
}

export interface DraftVariable {
  readonly name: string
  /** The variable of the caller's environment that it is taken from when there is no `--var`. */
  readonly env?: string
  /** Its value is not to be written down: `default` counts, or whoever builds has to give it. */
  readonly sensitive?: boolean
  readonly default?: string
  /** What it is without a `--var`, in other variables: it follows them. */
  readonly made?: Text
  /** What it is without a `--var`, as JavaScript in which the `platform` of a spec's function may be. */
  readonly code?: string
  readonly comment: readonly string[]
}

export type DraftFields = { readonly [name: string]: DraftValue }
export type DraftValue = Text | number | boolean | FileText | readonly DraftValue[] | DraftFields

/** The text of a local file, read when the spec is loaded. */
export class FileText {
  /** Relative to the spec file. */
  readonly path: Text
  /** Its lines end with CR and LF, and are to end with LF. */
  readonly crlf: boolean

  constructor(path: Text, crlf = false) {
    this.path = path
    this.crlf = crlf
  }
}
