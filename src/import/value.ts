/** Where something is written: the file as a user would name it, lines and columns counted from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * A variable of the template that stays one in the spec, and what it is now: its `--var`, else its default. This and the next
 * two are classes, since an object that a template writes may have any key.
 */
export class Reference {
  readonly variable: string
  /** undefined: it has no default, and nobody gave one. */
  readonly value: string | undefined

  constructor(variable: string, value: string | undefined) {
    this.variable = variable
    this.value = value
  }
}

/**
 * An expression that nothing is known of before a build, or without the service that has it. Whoever reads a template
 * reports each as a `todo`, where it is written.
 */
export class Unknown {
  /** The expression, as it is written. */
  readonly unknown: string
  readonly why: string

  constructor(unknown: string, why: string) {
    this.unknown = unknown
    this.why = why
  }
}

/** Text in which some parts are not literal. */
export class Mixed {
  readonly parts: readonly Part[]

  constructor(parts: readonly Part[]) {
    this.parts = parts
  }
}

export type Part = string | Reference | Unknown
export type Text = string | Mixed

/** What an expression of a template comes to. A variable that is all of a text is a Mixed of one part. */
export type Value = Text | number | boolean | null | Unknown | readonly Value[] | Fields

/** An object or a map, which Packer does not tell apart either when it reads options. */
export type Fields = { readonly [name: string]: Value }

/** The value is text, with or without parts that are not literal. */
export function isText(value: Value | undefined): value is Text {
  return typeof value === 'string' || isMixed(value)
}

/** The value is text that has a variable or an unknown in it. */
export function isMixed(value: Value | undefined): value is Mixed {
  return value instanceof Mixed
}

/** The value, or a part of a text, is not known at all. */
export function isUnknown(value: Value | Reference | undefined): value is Unknown {
  return value instanceof Unknown
}

/** The part of a text is a variable. */
export function isReference(part: Value | Reference | undefined): part is Reference {
  return part instanceof Reference
}

/** The value is a list or a tuple. */
export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}

/** The value is an object or a map. */
export function isFields(value: Value | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !isMixed(value) && !isUnknown(value) && !isList(value)
}
