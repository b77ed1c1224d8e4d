import type { Budget } from '../budget.ts'
import { Fault, Unknowable } from '../fault.ts'
import type { Finding } from '../finding.ts'
import { isList, isUnknown, Unknown, type Value } from '../value.ts'
import { asBoolean, asText, elementOf, kindOf, type Plain } from './convert.ts'
import { entriesOf, evaluateFor, type Loop } from './evaluate-for.ts'
import { textOf } from './evaluate-text.ts'
import { abridgedText, Fixing, type KnownVariable } from './fixing.ts'
import type { Functions } from './functions/function.ts'
import { binary, unary } from './operators.ts'
import type { Scope } from './scope.ts'
import { type CallExpression, type Expression, placeOf, type TemplatePart, written } from './syntax.ts'
import { converted, typeOf } from './type.ts'

export interface EvaluatorOptions {
  readonly variables: ReadonlyMap<string, KnownVariable>
  readonly functions: Functions
  readonly budget: Budget
  readonly report: (finding: Finding) => void
}

/** Works out expressions. Text keeps its variables; what needs their values is fixed, and what nobody knows is Unknown. */
export class Evaluator {
  readonly #options: EvaluatorOptions
  readonly #fixing: Fixing

  constructor(options: EvaluatorOptions) {
    this.#options = options
    this.#fixing = new Fixing(options.variables, options.report, (steps) => options.budget.spend(steps))
  }

  /**
   * What an expression comes to. What fails or is not known becomes an Unknown, with a finding at its place; in an
   * expression that is being fixed it throws, so that the whole of that one becomes Unknown.
   */
  value(expression: Expression, scope: Scope): Value {
    try {
      const value = this.#value(expression, scope)
      this.#options.budget.weigh(value)
      return value
    } catch (error) {
      if (this.#fixing.active || !(error instanceof Fault || error instanceof Unknowable)) throw error
      return this.#unknown(expression, error)
    }
  }

  /** As `value`, with nothing symbolic left; undefined when it is not known, which is reported. */
  plain(expression: Expression, scope: Scope): Plain | undefined {
    const value = this.value(expression, scope)
    try {
      return this.#fixing.fix(expression, () => this.#fixing.plain(value))
    } catch (error) {
      if (!(error instanceof Unknowable)) throw error
      if (!error.reported) this.#unknown(expression, error)
      return undefined
    }
  }

  /** As `value`, for something that is written elsewhere, such as a local. */
  apart(expression: Expression, scope: Scope): Value {
    return this.#fixing.apart(() => this.value(expression, scope))
  }

  /** Keys and elements of what an expression comes to; none when they are not known, which is reported. */
  entries(expression: Expression, scope: Scope): ReturnType<typeof entriesOf> {
    const value = this.value(expression, scope)
    try {
      return isUnknown(value) ? [] : entriesOf(value)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#unknown(expression, error)
      return []
    }
  }

  /** For roots: the variable's value is taken as it is now. */
  use(variable: string, value: Value): void {
    this.#fixing.use(variable, value)
  }

  #unknown(expression: Expression, error: Fault | Unknowable): Unknown {
    const unknown = new Unknown(written(expression), error.message)
    if (error instanceof Unknowable && error.reported) return unknown
    const advice =
      error instanceof Fault
        ? 'Packer refuses this as well: repair it, or write the value in the spec.'
        : 'Write the value in the spec, where it says TODO.'
    const says = `\`${abridgedText(unknown.unknown)}\` has no value here: ${error.message}.`
    this.#options.report({ kind: 'todo', id: 'OB141', place: placeOf(expression), says, advice })
    return unknown
  }

  #value(expression: Expression, scope: Scope): Value {
    this.#options.budget.spend(1)
    switch (expression.kind) {
      case 'literal':
        return expression.value
      case 'template':
        return this.#template(expression.parts, scope)
      case 'tuple':
        return expression.elements.map((element) => this.value(element, scope))
      case 'object':
        return Object.fromEntries(
          expression.entries.map(({ key, value }) => [asText(this.#plainNow(key, scope)), this.value(value, scope)]),
        )
      case 'for':
        return evaluateFor(expression, this.#loop(scope), scope)
      case 'variable':
        return this.#name(expression.name, scope)
      case 'call':
        return this.#call(expression, scope)
      case 'conditional': {
        const chosen = asBoolean(this.#plainNow(expression.condition, scope)) ? expression.yes : expression.no
        return this.value(chosen, scope)
      }
      case 'unary':
        return this.#fixing.fix(expression, () => unary(expression.operator, this.#plainNow(expression.operand, scope)))
      case 'binary':
        return this.#fixing.fix(expression, () => {
          const [left, right] = [expression.left, expression.right].map((side) => this.#plainNow(side, scope))
          return binary(expression.operator, left!, right!)
        })
      case 'select':
        return this.#fixing.fix(expression, () => this.#select(expression, scope))
      case 'splat':
        return this.#splat(expression, scope)
    }
  }

  /** The value with its variables as they are now; reports that this expression is fixed. */
  #plainNow(expression: Expression, scope: Scope): Plain {
    return this.#fixing.fix(expression, () => this.#fixing.plain(this.#value(expression, scope)))
  }

  #name(name: string, scope: Scope): Value {
    const value = scope.names.get(name)
    if (value !== undefined) return value
    throw new Fault(
      scope.roots.has(name) ? `'${name}' is used without a name behind it` : `nothing is called '${name}'`,
    )
  }

  #select({ of, key }: Extract<Expression, { kind: 'select' }>, scope: Scope): Value {
    const name = this.#fixing.plain(this.#value(key, scope))
    const root = of.kind === 'variable' && !scope.names.has(of.name) ? scope.roots.get(of.name) : undefined
    if (root !== undefined) return root(asText(name))
    return elementOf(this.#known(this.#value(of, scope)), name)
  }

  #splat({ of, keys }: Extract<Expression, { kind: 'splat' }>, scope: Scope): Value {
    const value = this.#known(this.#value(of, scope))
    if (value === null) return []
    const names = keys.map((key) => this.#plainNow(key, scope))
    const elements: readonly Value[] = isList(value) ? value : [value]
    return elements.map((element) => names.reduce<Value>((inner, name) => elementOf(this.#known(inner), name), element))
  }

  /** What the parts of a value are taken of must be known, but not the parts. */
  #known(value: Value): Value {
    if (isUnknown(value)) throw new Unknowable(value.why, true)
    return value
  }

  #call(expression: CallExpression, scope: Scope): Value {
    // Its second argument is a type, which is no value.
    if (expression.name === 'convert' && expression.arguments.length === 2) {
      const [value, type] = expression.arguments
      return converted(this.#known(this.#value(value!, scope)), typeOf(type!))
    }
    const found = this.#options.functions(expression.name)
    if (found.lazy !== undefined) {
      return found.lazy(expression.arguments.map((argument) => () => this.#attempt(argument, scope)))
    }
    const values = found.symbolic === undefined ? undefined : this.#arguments(expression, scope)
    for (const value of values ?? []) this.#options.budget.spend(this.#options.budget.weigh(value))
    const symbolic = values === undefined ? undefined : found.symbolic?.(values.map((value) => this.#known(value)))
    if (symbolic !== undefined) return this.#paid(symbolic)
    return this.#fixing.fix(expression, () => {
      const plain = (values ?? this.#arguments(expression, scope)).map((value) => this.#fixing.plain(value))
      return this.#paid(found.plain(plain))
    })
  }

  #arguments(expression: CallExpression, scope: Scope): readonly Value[] {
    const values = expression.arguments.map((argument) => this.value(argument, scope))
    return expression.spread ? [...values.slice(0, -1), ...spread(this.#known(values.at(-1) ?? null))] : values
  }

  #paid<T extends Value>(value: T): T {
    if (typeof value === 'string') this.#options.budget.spendText(value.length)
    else if (typeof value === 'object' && value !== null) this.#options.budget.spend(Object.keys(value).length)
    return value
  }

  /** For try() and can(): undefined when it fails. @throws Unknowable, since what is not known has not failed */
  #attempt(expression: Expression, scope: Scope): Value | undefined {
    try {
      return this.#fixing.fix(expression, () => this.#known(this.#value(expression, scope)))
    } catch (error) {
      if (error instanceof Fault) return undefined
      throw error
    }
  }

  #template(parts: readonly TemplatePart[], scope: Scope): Value {
    const [only] = parts
    // An expression that is all of a text is not turned into text.
    if (parts.length === 1 && typeof only === 'object' && only.kind === 'interpolation') {
      return this.value(only.value, scope)
    }
    const text = textOf(parts, this.#loop(scope), scope, (expression, fault) => {
      if (this.#fixing.active) throw fault
      return this.#unknown(expression, fault)
    })
    this.#options.budget.spend(this.#options.budget.weigh(text))
    return text
  }

  #loop(scope: Scope): Loop {
    const { budget } = this.#options
    return {
      collection: (expression) => this.#known(this.#value(expression, scope)),
      value: (expression, inner) => this.value(expression, inner),
      plain: (expression, inner) => this.#plainNow(expression, inner),
      spend: (steps) => budget.spend(steps),
    }
  }
}

function spread(value: Value): readonly Value[] {
  if (isList(value)) return value
  throw new Fault(`${kindOf(value)} stands before '...'`)
}
