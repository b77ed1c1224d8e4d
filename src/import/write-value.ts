import { type DraftValue, FileText } from './draft.ts'
import { Mixed } from './value.ts'
import { type Identifiers, writeText } from './write-text.ts'

/** As the repository's own specs have it. */
export const LINE_WIDTH = 120
const INDENT = '  '
/** The formatter moves no value away from a label of this length, which would win nothing. */
const SHORT_LABEL = 'name: '.length

/** Something that stands in a list or an object, with what goes before it on lines of its own. */
export interface Entry {
  readonly comment: readonly string[]
  /** `name: `, or nothing in a list. */
  readonly label: string
  /** undefined: a comment alone. */
  readonly value: DraftValue | Written | undefined
}

/** Written already; the first line is to follow something, the others have their own indentation. */
export class Written {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/**
 * A value as a person would write it: on one line if it fits behind `column` characters and before a comma, else an
 * entry a line, `indent` being that of the line on which it starts.
 */
export function writeValue(value: DraftValue | Written, indent: string, column: number, names: Identifiers): string {
  if (value instanceof Written) return value.text
  const flat = writeFlat(value, names)
  if (flat !== undefined && (column + flat.length < LINE_WIDTH || isLeaf(value))) return flat
  const isList = Array.isArray(value)
  const entries = isList
    ? value.map((item): Entry => ({ comment: [], label: '', value: item }))
    : Object.entries(value as object).map(([name, item]): Entry => ({ comment: [], label: labelOf(name), value: item }))
  return writeEntries(entries, isList ? '[]' : '{}', indent, names)
}

/** The entries between brackets, each on a line of its own. */
export function writeEntries(
  entries: readonly Entry[],
  brackets: '[]' | '{}',
  indent: string,
  names: Identifiers,
): string {
  const inner = indent + INDENT
  const lines = entries.flatMap(({ comment, label, value }) => [
    ...writeComment(comment, inner),
    ...(value === undefined ? [] : [`${inner}${writeLabelled(label, value, inner, names)},`]),
  ])
  return [brackets[0], ...lines, indent + brackets[1]].join('\n')
}

/** Lines of a comment, broken where they are too long. */
export function writeComment(comment: readonly string[], indent: string): string[] {
  const width = LINE_WIDTH - indent.length - '// '.length
  // A template's own text is in some: nothing in it ends the comment.
  const lines = comment.flatMap((line) => line.split(/[\n\r\u2028\u2029]+/))
  return lines.flatMap((line) => broken(line, width)).map((line) => `${indent}// ${line}`.trimEnd())
}

export function labelOf(name: string): string {
  // Without brackets it would be the object's prototype, and no field.
  if (name === '__proto__') return "['__proto__']: "
  return `${/^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : writeText(name, new Map())}: `
}

/** What does not fit behind its label, and cannot be broken, goes below it. */
function writeLabelled(label: string, value: DraftValue | Written, indent: string, names: Identifiers): string {
  const column = indent.length + label.length
  const text = writeValue(value, indent, column, names)
  if (label === `${text}: `) return text
  const isMovable = label.length > SHORT_LABEL && typeof value === 'string' && !text.startsWith('`')
  return isMovable && column + text.length >= LINE_WIDTH ? `${label.trim()}\n${indent}${INDENT}${text}` : label + text
}

function writeFlat(value: DraftValue, names: Identifiers): string | undefined {
  if (typeof value === 'string') return writeText(value, names)
  if (typeof value !== 'object') return String(value)
  if (value instanceof Mixed) return writeText(value, names)
  if (value instanceof FileText) return `script(${writeText(value.path, names)})`
  const isList = Array.isArray(value)
  if (isList && value.length > 1 && value.every(isBroad)) return undefined
  const inner = Object.entries(value).map(([name, item]) => {
    const flat = writeFlat(item, names)
    if (flat === undefined || flat.includes('\n')) return undefined
    return isList || flat === name ? flat : labelOf(name) + flat
  })
  if (inner.includes(undefined)) return undefined
  if (inner.length === 0) return isList ? '[]' : '{}'
  return isList ? `[${inner.join(', ')}]` : `{ ${inner.join(', ')} }`
}

function isLeaf(value: DraftValue): boolean {
  return typeof value !== 'object' || value instanceof Mixed || value instanceof FileText
}

/** A list of such is never on one line, as the formatter of this repository has it. */
function isBroad(value: DraftValue): boolean {
  return (
    typeof value === 'object' &&
    !(value instanceof Mixed) &&
    !(value instanceof FileText) &&
    Object.keys(value).length > 1
  )
}

function broken(line: string, width: number): string[] {
  const lines = ['']
  for (const word of line.split(' ')) {
    const last = lines.at(-1)!
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}
