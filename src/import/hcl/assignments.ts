import type { Parser } from 'web-tree-sitter'
import { OcibakeError } from '../../errors.ts'
import { Fault } from '../fault.ts'
import type { Findings } from '../findings.ts'
import { jsonObject } from '../json-object.ts'
import { readText } from '../read-text.ts'
import { SourceText } from '../source-text.ts'
import type { TemplateInputs } from '../template-inputs.ts'
import type { Place, Value } from '../value.ts'
import type { Declaration } from './declared.ts'
import type { Evaluator } from './evaluate.ts'
import { parseHcl, parseHclExpression } from './parse.ts'
import { NO_NAMES } from './scope.ts'
import { placeOf } from './syntax.ts'
import { converted } from './type.ts'

/** What values are read by. */
export interface Reading {
  readonly parser: Parser
  readonly inputs: TemplateInputs
  readonly evaluator: Evaluator
  readonly findings: Findings
}

/**
 * The values that variables are given, the strongest last as Packer has it: `PKR_VAR_NAME`; `*.auto.pkrvars.hcl`
 * and `--var-file`; `--var`.
 * @throws USAGE for a `--var` that no file declares or that does not fit its type; TEMPLATE_INVALID for a file
 */
export async function assignedValues(
  declared: readonly Declaration[],
  autoFiles: readonly string[],
  reading: Reading,
): Promise<ReadonlyMap<string, Value>> {
  const { inputs, findings } = reading
  const byName = new Map(declared.map((declaration) => [declaration.name, declaration]))
  const assigned = new Map<string, Value>()
  for (const [name, declaration] of byName) {
    const text = inputs.env[`PKR_VAR_${name}`]
    if (text !== undefined) assigned.set(name, fromText(declaration, text, `PKR_VAR_${name}`, reading))
  }
  for (const file of inOrder([...autoFiles, ...inputs.varFiles])) {
    for (const { name, value, place } of await fromFile(file, reading)) {
      const declaration = byName.get(name)
      if (declaration === undefined) findings.add(undeclared(name, place))
      else assigned.set(name, fitting(declaration, value, `${place.file}:${place.line}`))
    }
  }
  for (const [name, text] of Object.entries(inputs.vars)) {
    const declaration = byName.get(name)
    if (declaration === undefined) throw noSuchVariable(name, [...byName.keys()])
    assigned.set(name, fromText(declaration, text, `--var ${name}`, reading))
  }
  return assigned
}

/** As Packer reads them: all in HCL before all in JSON. @throws USAGE for a file that is neither */
function inOrder(files: readonly string[]): readonly string[] {
  const strange = files.find((file) => !/\.(hcl|json)$/.test(file))
  if (strange !== undefined) {
    throw new OcibakeError('USAGE', `The variables file '${strange}' has a name that tells no format.`, {
      hint: 'Its name ends in .pkrvars.hcl or .json.',
    })
  }
  const json = files.filter((file) => file.endsWith('.json'))
  return [...files.filter((file) => !file.endsWith('.json')), ...json]
}

interface Assignment {
  readonly name: string
  readonly value: Value
  readonly place: Place
}

async function fromFile(file: string, { inputs, parser, evaluator }: Reading): Promise<readonly Assignment[]> {
  const source = await readText(file, 'variables file', inputs)
  if (file.endsWith('.json')) {
    const place = source.place(0)
    return Object.entries(jsonObject(source)).map(([name, value]) => ({ name, value, place }))
  }
  const body = parseHcl(parser, source)
  return body.items
    .filter((item) => item.kind === 'attribute')
    .map((item) => ({ name: item.name, value: evaluator.value(item.value, NO_NAMES), place: placeOf(item) }))
}

/** As Packer reads what a command line or the environment gives: literal, but for types that have parts. */
function fromText(declaration: Declaration, text: string, where: string, { parser, evaluator }: Reading): Value {
  const { type } = declaration
  if (
    type === undefined ||
    type.kind === 'any' ||
    type.kind === 'string' ||
    type.kind === 'number' ||
    type.kind === 'bool'
  ) {
    return fitting(declaration, text, where)
  }
  return fitting(declaration, evaluator.value(parseHclExpression(parser, new SourceText(where, text)), NO_NAMES), where)
}

function fitting({ name, type }: Declaration, value: Value, where: string): Value {
  try {
    return type === undefined ? value : converted(value, type)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new OcibakeError('USAGE', `${where} does not fit the type of the variable '${name}': ${error.message}.`, {
      hint: 'Compare `type` in the template.',
    })
  }
}

function undeclared(name: string, place: Place) {
  return {
    kind: 'defect',
    id: 'OB147',
    place,
    says: `'${name}' is given a value, but no file of the template declares it.`,
    advice: 'Remove it, or declare the variable.',
  } as const
}

function noSuchVariable(name: string, names: readonly string[]): OcibakeError {
  const hint =
    names.length === 0 ? 'It declares none; leave out --var.' : `It declares ${names.slice(0, 20).join(', ')}.`
  return new OcibakeError('USAGE', `The template has no variable '${name}'.`, { hint })
}
