import { Fault, Unknowable } from '../fault.ts'
import { joinTexts } from '../text.ts'
import { isMixed, isReference, isUnknown, Mixed, type Part, type Text, Unknown } from '../value.ts'
import { type Action, piecesOf } from './actions.ts'
import { hasField, type Operand, type Pipeline, parseAction } from './parse-action.ts'

/** What the functions of a Go template are given: text, or a number that is written out. */
export type Argument = Text | number

/** A function of Packer's templates. @throws Fault or Unknowable */
export type GoFunction = (values: readonly Argument[], plain: (value: Argument | undefined) => string) => Argument

/** What texts are rendered with. */
export interface GoContext {
  readonly functions: ReadonlyMap<string, GoFunction>
  /** What has a name that is no function's: left as it is, since it may be meant for another program, or an error. */
  readonly others: 'literal' | 'error'
  /** An action needed the values of these variables. */
  readonly fixed: (action: string, result: string, used: ReadonlyMap<string, string>) => void
  readonly unknown: (unknown: Unknown, error: Fault | Unknowable) => void
}

const CONTROL = /^(if|else|end|range|with|define|template|block)\b/

/**
 * A text with its actions done (Packer's "template engine" of JSON templates, and of the options of plugins in HCL2):
 * variables stay, what is not known becomes Unknown, and `{{.Vars}}` and the like stay as they are.
 */
export function renderText(text: string, context: GoContext): Text {
  if (!text.includes('{{')) return text
  const pieces = piecesOf(text)
  if (context.others === 'error' && pieces.some((piece) => piece.kind === 'action' && CONTROL.test(piece.inner))) {
    return new Mixed([
      unknownFor(text, new Unknowable('conditions and loops of Go templates are not evaluated'), context),
    ])
  }
  return joinTexts(...pieces.map((piece) => (piece.kind === 'literal' ? piece.text : rendered(piece, context))))
}

function rendered(action: Action, context: GoContext): Text {
  const pipeline = parseAction(action.inner)
  const strange = pipeline === undefined || namesOf(pipeline).some((name) => !context.functions.has(name))
  if (pipeline !== undefined && hasField(pipeline)) return action.written
  if (strange && context.others === 'literal') return action.written
  const used = new Map<string, string>()
  try {
    if (pipeline === undefined) throw new Fault('it is no action of a template')
    const value = asText(evaluate(pipeline, context, used))
    if (used.size > 0) context.fixed(action.written, isMixed(value) ? action.written : value, used)
    return value
  } catch (error) {
    if (!(error instanceof Fault || error instanceof Unknowable)) throw error
    return new Mixed([unknownFor(action.written, error, context)])
  }
}

function unknownFor(written: string, error: Fault | Unknowable, context: GoContext): Unknown {
  const unknown = new Unknown(written, error.message)
  if (!(error instanceof Unknowable && error.reported)) context.unknown(unknown, error)
  return unknown
}

function namesOf(pipeline: Pipeline): readonly string[] {
  return pipeline.flat().flatMap((operand) => {
    if (operand.kind === 'group') return namesOf(operand.pipeline)
    return operand.kind === 'name' ? [operand.name] : []
  })
}

function evaluate(pipeline: Pipeline, context: GoContext, used: Map<string, string>): Argument {
  let piped: Argument | undefined
  for (const [first, ...rest] of pipeline) {
    const values = rest.map((operand) => operandValue(operand, context, used))
    if (piped !== undefined) values.push(piped)
    if (first!.kind === 'name') piped = call(first!.name, values, context, used)
    else if (values.length === 0) piped = operandValue(first!, context, used)
    else throw new Fault('arguments stand behind what is no function')
  }
  return piped ?? ''
}

function operandValue(operand: Operand, context: GoContext, used: Map<string, string>): Argument {
  if (operand.kind === 'text') return operand.text
  if (operand.kind === 'number') return operand.number
  if (operand.kind === 'group') return evaluate(operand.pipeline, context, used)
  return operand.kind === 'name' ? call(operand.name, [], context, used) : ''
}

function call(name: string, values: readonly Argument[], context: GoContext, used: Map<string, string>): Argument {
  const found = context.functions.get(name)
  if (found === undefined) throw new Fault(`there is no function ${name}`)
  return found(values, (value) => plainText(value, used))
}

/** The text with its variables as they are now. @throws Fault, Unknowable */
function plainText(value: Argument | undefined, used: Map<string, string>): string {
  if (value === undefined) throw new Fault('an argument is missing')
  if (!isMixed(value)) return String(value)
  return value.parts.map((part) => plainPart(part, used)).join('')
}

function plainPart(part: Part, used: Map<string, string>): string {
  if (typeof part === 'string') return part
  if (isUnknown(part)) throw new Unknowable(part.why, true)
  if (isReference(part) && part.value !== undefined) {
    used.set(part.variable, part.value)
    return part.value
  }
  throw new Unknowable(`nobody gave the variable '${part.variable}' a value (--var ${part.variable}=…)`)
}

const asText = (value: Argument): Text => (typeof value === 'number' ? String(value) : value)
