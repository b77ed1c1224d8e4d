/** An instruction of a Dockerfile on one line, continuations joined. */
export interface Instruction<Where> {
  /** As it is written. */
  readonly word: string
  /** In upper case. */
  readonly keyword: string
  readonly rest: string
  readonly where: Where
}

export interface InstructionText<Where> {
  readonly instructions: readonly Instruction<Where>[]
  /** What a line ends with that goes on: `\`, unless the first line says another. */
  readonly escaper: string
}

/**
 * The instructions of lines as `docker commit --change` reads them, all as one Dockerfile: comments and empty lines are
 * none, a line that ends with the escape goes on in the next (buildkit, frontend/dockerfile/parser/parser.go). Heredocs,
 * which no instruction that changes a config takes, are not known.
 */
export function readInstructions<Where>(
  lines: readonly { readonly text: string; readonly where: Where }[],
): InstructionText<Where> {
  const escaper = /^#\s*escape\s*=\s*(`|\\)\s*$/i.exec(lines[0]?.text ?? '')?.[1] ?? '\\'
  const goesOn = new RegExp(`${escaper === '\\' ? '\\\\' : escaper}[ \\t]*$`)
  const instructions: Instruction<Where>[] = []
  let open: { text: string; where: Where } | undefined
  for (const { text, where } of lines) {
    if (/^\s*(#|$)/.test(text)) continue
    const joined = open === undefined ? { text: text.trimStart(), where } : { ...open, text: open.text + text }
    open = goesOn.test(joined.text) ? { ...joined, text: joined.text.replace(goesOn, '') } : undefined
    if (open === undefined) instructions.push(instructionOf(joined))
  }
  if (open !== undefined) instructions.push(instructionOf(open))
  return { instructions, escaper }
}

function instructionOf<Where>({ text, where }: { text: string; where: Where }): Instruction<Where> {
  const [word = ''] = text.trim().split(/\s/, 1)
  return { word, keyword: word.toUpperCase(), rest: text.trim().slice(word.length).trim(), where }
}

/** The words of a line as a Dockerfile splits it: at blanks outside quotes; quotes and escapes stay in them. */
export function splitWords(text: string, escaper = '\\'): string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === escaper && quote !== "'" && at + 1 < text.length) word += character + text[++at]!
    else if (quote === '' && /\s/.test(character)) {
      if (word !== '') words.push(word)
      word = ''
    } else {
      if (quote === '' && (character === '"' || character === "'")) quote = character
      else if (character === quote) quote = ''
      word += character
    }
  }
  return word === '' ? words : [...words, word]
}

/**
 * `NAME=value …`, or `NAME rest of the line`: which of them, the first word says. Names and values are still to be read as
 * expressions. @returns undefined when it is neither
 */
export function namedValues(rest: string, escaper = '\\'): (readonly [name: string, value: string])[] | undefined {
  const [first = '', ...others] = splitWords(rest, escaper)
  if (!first.includes('=')) {
    const value = rest.slice(first.length).trim()
    return first === '' || value === '' ? undefined : [[first, value]]
  }
  const words = [first, ...others]
  if (words.some((word) => word.indexOf('=') < 1)) return undefined
  return words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)])
}

/** A list of texts in JSON; undefined for anything else, which Docker takes for a line for the shell. */
export function jsonTexts(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  try {
    const list: unknown = JSON.parse(rest)
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined
  } catch {
    return undefined
  }
}
