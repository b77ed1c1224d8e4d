import { Unknowable } from '../fault.ts'
import type { Finding } from '../finding.ts'
import type { Variable } from '../template.ts'
import { isFields, isList, isMixed, isReference, isUnknown, type Mixed, type Reference, type Value } from '../value.ts'
import type { Plain } from './convert.ts'
import { type Expression, placeOf, written } from './syntax.ts'

/** What an expression may ask of a variable of the template. */
export type KnownVariable = Pick<Variable, 'value' | 'sensitive'>

const LONGEST = 60

/**
 * Keeps which variables an expression needed the value of, and reports it: functions, conditions and loops do not stay
 * symbolic, so what they make is fixed when the template is imported.
 */
export class Fixing {
  readonly #variables: ReadonlyMap<string, KnownVariable>
  readonly #report: (finding: Finding) => void
  readonly #spend: (steps: number) => void
  #used: Map<string, Value> | undefined

  /** @param spend is told of each value that is gone through */
  constructor(
    variables: ReadonlyMap<string, KnownVariable>,
    report: (finding: Finding) => void,
    spend: (steps: number) => void,
  ) {
    this.#spend = spend
    this.#variables = variables
    this.#report = report
  }

  /** Within an expression that is being fixed. */
  get active(): boolean {
    return this.#used !== undefined
  }

  /** Does the work of an expression, and reports what it was fixed to when it needed variables. */
  fix<T extends Value>(expression: Expression, work: () => T): T {
    if (this.#used !== undefined) return work()
    const used = new Map<string, Value>()
    this.#used = used
    try {
      const result = work()
      if (used.size > 0) this.#report(this.#finding(expression, used, result))
      return result
    } finally {
      this.#used = undefined
    }
  }

  /** Does work that is no part of the expression that is being fixed, such as the value of a local. */
  apart<T>(work: () => T): T {
    const used = this.#used
    this.#used = undefined
    try {
      return work()
    } finally {
      this.#used = used
    }
  }

  /** What is not text or a number does not stay symbolic, and is taken as it is now. */
  use(variable: string, value: Value): void {
    this.#used?.set(variable, value)
  }

  /** The value with its variables as they are now. @throws Unknowable */
  plain(value: Value): Plain {
    this.#spend(1)
    if (isUnknown(value)) throw new Unknowable(value.why, true)
    if (isMixed(value)) return this.#plainText(value)
    if (isList(value)) return value.map((element) => this.plain(element))
    if (!isFields(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.plain(inner)]))
  }

  #plainText({ parts }: Mixed): Plain {
    const [only] = parts
    // A variable of type number is one, not its digits.
    if (parts.length === 1 && isReference(only)) return this.plain(this.#valueOf(only))
    return parts.map((part) => this.#partText(part)).join('')
  }

  #partText(part: Mixed['parts'][number]): string {
    if (typeof part === 'string') return part
    if (isUnknown(part)) throw new Unknowable(part.why, true)
    this.#valueOf(part)
    return part.value!
  }

  #valueOf({ variable, value }: Reference): Value {
    if (value === undefined)
      throw new Unknowable(`nobody gave the variable '${variable}' a value (--var ${variable}=…)`)
    const known = this.#variables.get(variable)?.value ?? value
    this.use(variable, known)
    return known
  }

  #finding(expression: Expression, used: ReadonlyMap<string, Value>, result: Value): Finding {
    const secret = [...used.keys()].some((name) => this.#variables.get(name)?.sensitive)
    const shown = (value: Value) => (secret ? '…' : abridged(value))
    const with_ = [...used].map(([name, value]) => `${name} = ${shown(value)}`).join(', ')
    return {
      kind: 'differs',
      id: 'OB140',
      place: placeOf(expression),
      says: `\`${abridgedText(written(expression))}\` is fixed to ${secret ? 'what it is now' : abridged(result)} (evaluated with ${with_}).`,
      advice: 'Import again with another --var, or write the expression in the spec, which is a program.',
    }
  }
}

function abridged(value: Value): string {
  return abridgedText(JSON.stringify(value, (_, inner) => (isMixed(inner) ? '…' : inner)) ?? '')
}

/** Short enough for a message. */
export function abridgedText(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}
