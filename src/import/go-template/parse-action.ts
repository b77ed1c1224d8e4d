/** What stands between `{{` and `}}`: commands with `|` between them (Go's text/template, "Pipelines"). */
export type Pipeline = readonly (readonly Operand[])[]

export type Operand =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'name'; readonly name: string }
  /** `.Vars`, or `$x`: what the user of the text puts in later. */
  | { readonly kind: 'field' }
  | { readonly kind: 'group'; readonly pipeline: Pipeline }

const TOKEN = /\s*(?:("(?:\\.|[^"\\\n])*")|(`[^`]*`)|(-?\d+(?![\w.]))|([A-Za-z_]\w*)|([.$][\w.]*)|([|()]))/y
const DEEPEST = 50

/** The pipeline that a text is, or undefined when it is something else: a condition, a loop, an assignment, no Go at all. */
export function parseAction(text: string): Pipeline | undefined {
  const tokens = tokensOf(text)
  if (tokens === undefined) return undefined
  const reader = { tokens, next: 0 }
  const pipeline = pipelineOf(reader, 0)
  return reader.next === tokens.length ? pipeline : undefined
}

type Token = Operand | '|' | '(' | ')'

function tokensOf(text: string): readonly Token[] | undefined {
  const end = text.trimEnd()
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < end.length) {
    const found = TOKEN.exec(end)
    if (found === null) return undefined
    const [, quoted, raw, number, name, field, sign] = found
    if (quoted !== undefined) tokens.push({ kind: 'text', text: unquoted(quoted) })
    else if (raw !== undefined) tokens.push({ kind: 'text', text: raw.slice(1, -1) })
    else if (number !== undefined) tokens.push({ kind: 'number', number: Number(number) })
    else if (name !== undefined) tokens.push({ kind: 'name', name })
    else if (field !== undefined) tokens.push({ kind: 'field' })
    else tokens.push(sign as '|' | '(' | ')')
  }
  return tokens
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, letter) => ESCAPES[letter] ?? letter)
}

interface Reader {
  readonly tokens: readonly Token[]
  next: number
}

function pipelineOf(reader: Reader, depth: number): Pipeline | undefined {
  if (depth > DEEPEST) return undefined
  const commands: (readonly Operand[])[] = []
  for (;;) {
    const command = commandOf(reader, depth)
    if (command === undefined || command.length === 0) return undefined
    commands.push(command)
    if (reader.tokens[reader.next] !== '|') return commands
    reader.next += 1
  }
}

function commandOf(reader: Reader, depth: number): readonly Operand[] | undefined {
  const operands: Operand[] = []
  for (;;) {
    const token = reader.tokens[reader.next]
    if (token === undefined || token === '|' || token === ')') return operands
    reader.next += 1
    if (token !== '(') {
      operands.push(token)
      continue
    }
    const pipeline = pipelineOf(reader, depth + 1)
    if (pipeline === undefined || reader.tokens[reader.next] !== ')') return undefined
    reader.next += 1
    operands.push({ kind: 'group', pipeline })
  }
}

/** Some part of it is put in later. */
export function hasField(pipeline: Pipeline): boolean {
  return pipeline
    .flat()
    .some((operand) => operand.kind === 'field' || (operand.kind === 'group' && hasField(operand.pipeline)))
}
