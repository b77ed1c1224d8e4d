import type { SourceText } from '../source-text.ts'
import type { Place } from '../value.ts'
import { splitWords } from './instructions.ts'
import type { SourceLine } from './source-line.ts'

export interface HeredocHead {
  /** As it is written: `<<-"EOF"`. */
  readonly word: string
  readonly name: string
  /** `<<-`: tabs at the start of lines are nothing. */
  readonly chomp: boolean
  /** Its name is not quoted: COPY and ADD expand variables in it. */
  readonly expand: boolean
}

export interface Heredoc extends HeredocHead {
  /** With a newline at the end of each line. */
  readonly content: string
  /** Of its first line. */
  readonly place: Place
}

/** The heredocs that a line announces (buildkit, frontend/dockerfile/parser/parser.go, ParseHeredoc). */
export function headHeredocs(rest: string, escaper: string): HeredocHead[] {
  return splitWords(rest, escaper).flatMap((word) => {
    const [, , dash, raw] = /^(\d*)<<(-?)([^<]+)$/.exec(word) ?? []
    if (raw === undefined) return []
    const name = raw.replace(/^(['"])(.*)\1$/s, '$2')
    return [{ word, name, chomp: dash === '-', expand: !/['"]/.test(raw) }]
  })
}

/** The bodies of heredocs, which follow in their order; `missing` is the one that has no end. */
export function heredocBodies(
  heads: readonly HeredocHead[],
  own: readonly SourceLine[],
  behind: readonly SourceLine[],
  source: SourceText,
): { heredocs: Heredoc[]; taken: number; missing?: string } {
  const lines = [...own, ...behind]
  const heredocs: Heredoc[] = []
  let at = 0
  for (const head of heads) {
    const chomped = ({ text }: SourceLine) => (head.chomp ? text.replace(/^\t+/, '') : text)
    const length = lines.slice(at).findIndex((line) => chomped(line) === head.name)
    if (length < 0) return { heredocs, taken: at, missing: head.name }
    const body = lines.slice(at, at + length)
    const content = body.map((line) => `${chomped(line)}\n`).join('')
    heredocs.push({ ...head, content, place: source.place(lines[at]!.offset) })
    at += length + 1
  }
  return { heredocs, taken: at }
}
