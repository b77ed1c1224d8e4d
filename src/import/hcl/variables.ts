import { Fault, Unknowable } from '../fault.ts'
import type { Findings } from '../findings.ts'
import { madeOfEnvironment } from '../made-of-environment.ts'
import { isSecretName } from '../secret-name.ts'
import type { Variable } from '../template.ts'
import { isMixed, isUnknown, Mixed, Reference, type Value } from '../value.ts'
import { asText, isConcrete } from './convert.ts'
import type { Declaration } from './declared.ts'
import type { Evaluator } from './evaluate.ts'
import { NO_NAMES, type Root } from './scope.ts'
import { placeOf, written } from './syntax.ts'
import { converted, isScalar } from './type.ts'

/** The variables with their defaults and values. @param evaluator one that knows `env()` */
export function variablesOf(
  declared: readonly Declaration[],
  assigned: ReadonlyMap<string, Value>,
  evaluator: Evaluator,
  findings: Findings,
): readonly Variable[] {
  return declared.map((declaration) => {
    const { name, description, sensitive, at } = declaration
    const env = askedEnvironment(declaration)
    const value = defaultOf(declaration, evaluator, findings)
    const now = assigned.get(name) ?? value
    // What the environment has now is not for the spec.
    const fixed = env === undefined ? value : ''
    const isMade =
      env === undefined && /\benv\(/.test(declaration.default === undefined ? '' : written(declaration.default))
    if (isMade) findings.add(madeOfEnvironment(name, placeOf(declaration.default!)))
    return {
      name,
      place: placeOf(at),
      ...(description === undefined ? {} : { description }),
      sensitive: sensitive || isSecretName(name),
      ...(env === undefined ? {} : { env }),
      ...(fixed === undefined || isMade ? {} : { default: fixed }),
      ...(isMade && !assigned.has(name) ? { isOfEnvironment: true } : {}),
      ...(now === undefined || isUnknown(now) ? {} : { value: now }),
    }
  })
}

function askedEnvironment({ default: expression }: Declaration): string | undefined {
  if (expression?.kind !== 'call' || expression.name !== 'env') return undefined
  const [name] = expression.arguments
  return name?.kind === 'literal' && typeof name.value === 'string' ? name.value : undefined
}

function defaultOf(
  { default: expression, type }: Declaration,
  evaluator: Evaluator,
  findings: Findings,
): Value | undefined {
  if (expression === undefined) return undefined
  const value = evaluator.value(expression, NO_NAMES)
  try {
    return type === undefined ? value : converted(value, type)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const says = `The default \`${written(expression)}\` does not fit the variable's type: ${error.message}.`
    findings.add({
      kind: 'defect',
      id: 'OB141',
      place: placeOf(expression),
      says,
      advice: 'Make type and default fit.',
    })
    return value
  }
}

/** What `var.NAME` is: text and numbers stay a variable, all else is taken as it is now. */
export function variableRoot(
  variables: ReadonlyMap<string, Variable>,
  declared: ReadonlyMap<string, Declaration>,
  use: (name: string, value: Value) => void,
): Root {
  return (name) => {
    const variable = variables.get(name)
    if (variable === undefined) throw new Fault(`no file that was read declares the variable '${name}'`)
    const { value } = variable
    if (staysVariable(variable, declared.get(name))) {
      return new Mixed([new Reference(name, value === undefined || !isConcrete(value) ? undefined : asText(value))])
    }
    if (value === undefined) throw new Unknowable(`nobody gave the variable '${name}' a value (--var ${name}=…)`)
    use(name, value)
    return value
  }
}

function staysVariable({ value, default: default_ }: Variable, declaration: Declaration | undefined): boolean {
  if (value === null || isMixed(value)) return false
  const type = declaration?.type
  if (type !== undefined && type.kind !== 'any') return isScalar(type)
  const known = value ?? default_
  return known === undefined || isUnknown(known) || typeof known === 'string' || typeof known === 'number'
}
