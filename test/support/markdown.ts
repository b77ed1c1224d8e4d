import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const REPOSITORY = join(import.meta.dirname, '../..')

/** Folders with Markdown for users, from the repository's root. */
const FOLDERS = ['.', 'docs', 'specs']

/** A fenced block of code. */
export interface Fence {
  /** `docs/spec.md:12`: its first line. */
  readonly where: string
  readonly language: string
  /** The words behind the language. */
  readonly marks: readonly string[]
  readonly text: string
}

/** Every Markdown file of the repository, as `docs/spec.md`. */
export function markdownFiles(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(REPOSITORY, folder), { encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ).sort()
}

export function readMarkdown(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8')
}

/** The fences of a file, indented ones (in lists) too, without their indentation. */
export function fencesOf(file: string): Fence[] {
  const fences: Fence[] = []
  let open: { where: string; language: string; marks: string[]; indent: number; lines: string[] } | undefined
  for (const [at, line] of readMarkdown(file).split('\n').entries()) {
    const fence = /^( *)```\s*(.*)$/.exec(line)
    if (fence === null) open?.lines.push(line.slice(open.indent))
    else if (open === undefined) {
      const [language = '', ...marks] = fence[2]!.split(/\s+/)
      open = { where: `${file}:${at + 1}`, language, marks, indent: fence[1]!.length, lines: [] }
    } else {
      const { where, language, marks, lines } = open
      fences.push({ where, language, marks, text: `${lines.join('\n')}\n` })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${open.where} is never closed`)
  return fences
}

/** The text without fences: what a reader reads as prose, tables and headings. */
export function proseOf(file: string): string {
  return readMarkdown(file).replace(/^ *```[\s\S]*?^ *```$/gm, '')
}

/** What stands in `backticks` in the text. */
export function codeSpansIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!)
}

/** The names by which a file's headings can be linked to, as GitHub makes them. */
export function anchorsOf(file: string): string[] {
  const headings = [...proseOf(file).matchAll(/^#+ +(.+)$/gm)].map((match) => match[1]!)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** The part below the heading with this text, to the next heading of its level or above. */
export function sectionOf(file: string, title: string): string {
  const text = readMarkdown(file)
  const heading = new RegExp(`^(#+) ${title}$`, 'm').exec(text)
  if (heading === null) throw new Error(`${file} has no heading '${title}'`)
  const rest = text.slice(heading.index + heading[0].length)
  const end = new RegExp(`^#{1,${heading[1]!.length}} `, 'm').exec(rest)
  return end === null ? rest : rest.slice(0, end.index)
}
