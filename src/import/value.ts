/** Where something is written: the file as a user would name it, lines and columns counted from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A variable of the template that stays one in the spec, and what it is now: its `--var`, else its default. */
export interface Reference {
  readonly variable: string
  /** undefined: it has no default, and nobody gave one. */
  readonly value: string | undefined
}

/** An expression that nothing is known of before a build, or without the service that has it. */
export interface Unknown {
  /** The expression, as it is written. */
  readonly unknown: string
  readonly why: string
}

/** Text in which some parts are not literal. */
export interface Mixed {
  readonly parts: readonly (string | Reference | Unknown)[]
}

export type Text = string | Mixed

/** What an expression of a template comes to. A variable that is all of a text is a Mixed of one part. */
export type Value = Text | number | boolean | null | Unknown | readonly Value[] | { readonly [name: string]: Value }

/** The value is text, with or without parts that are not literal. */
export function isText(value: Value | undefined): value is Text {
  return typeof value === 'string' || isMixed(value)
}

/** The value is text that has a variable or an unknown in it. */
export function isMixed(value: Value | undefined): value is Mixed {
  return typeof value === 'object' && value !== null && 'parts' in value
}

/** The value is not known at all. */
export function isUnknown(value: Value | undefined): value is Unknown {
  return typeof value === 'object' && value !== null && 'unknown' in value
}
