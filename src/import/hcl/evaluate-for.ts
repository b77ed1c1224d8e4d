import { Fault } from '../fault.ts'
import { isFields, isList, type Value } from '../value.ts'
import { asBoolean, asText, kindOf, type Plain, sortedKeys } from './convert.ts'
import type { Scope } from './scope.ts'
import type { Expression, ForExpression } from './syntax.ts'

/** What a loop needs of the evaluator. */
export interface Loop {
  readonly collection: (expression: Expression) => Value
  readonly value: (expression: Expression, scope: Scope) => Value
  readonly plain: (expression: Expression, scope: Scope) => Plain
  readonly spend: (steps: number) => void
}

interface Heading {
  readonly keyName?: string
  readonly valueName: string
  readonly collection: Expression
}

/** The scope of each round. @throws Fault when it is nothing to go through */
export function rounds(heading: Heading, loop: Loop, scope: Scope): Scope[] {
  const collection = loop.collection(heading.collection)
  const entries = entriesOf(collection)
  loop.spend(entries.length * 4)
  return entries.map(([key, value]) => {
    const names = new Map(scope.names).set(heading.valueName, value)
    if (heading.keyName !== undefined) names.set(heading.keyName, key)
    return { ...scope, names }
  })
}

/** Keys and elements in HCL's order. @throws Fault */
export function entriesOf(collection: Value): readonly (readonly [key: string | number, value: Value])[] {
  if (isList(collection)) return collection.map((element, index) => [index, element] as const)
  if (isFields(collection)) return sortedKeys(collection).map((key) => [key, collection[key]!] as const)
  throw new Fault(`${kindOf(collection)} stands where a list or an object is expected`)
}

/** What `[for …]` or `{for …}` makes. @throws Fault, Unknowable */
export function evaluateFor(expression: ForExpression, loop: Loop, scope: Scope): Value {
  const { key, value, condition, grouped } = expression
  const kept = rounds(expression, loop, scope).filter(
    (round) => condition === undefined || asBoolean(loop.plain(condition, round)),
  )
  if (key === undefined) return kept.map((round) => loop.value(value, round))
  const made = kept.map((round) => [asText(loop.plain(key, round)), loop.value(value, round)] as const)
  const groups = Map.groupBy(made, ([name]) => name)
  const entries = [...groups].map(([name, members]) => {
    if (grouped) return [name, members.map(([, element]) => element)] as const
    if (members.length > 1) throw new Fault(`two elements have the key '${name}'`)
    return [name, members[0]![1]] as const
  })
  return Object.fromEntries(entries)
}
