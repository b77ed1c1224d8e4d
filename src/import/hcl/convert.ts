import { Fault } from '../fault.ts'
import { isFields, isList, isText, isUnknown, type Value } from '../value.ts'

/** A value that is known wholly: no variable is left in it. */
export type Plain = string | number | boolean | null | readonly Plain[] | PlainFields
export type PlainFields = { readonly [name: string]: Plain }

/** Text or a number that is known. */
export function isConcrete(value: Value): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

/** As HCL writes a number in text: no exponent, no trailing zeros. */
export function numberText(number: number): string {
  if (Number.isInteger(number)) return Math.abs(number) < 1e21 ? String(number) : BigInt(number).toString()
  const text = String(number)
  return text.includes('e') ? number.toFixed(20).replace(/0+$/, '') : text
}

/** Text, or what converts to it. @throws Fault */
export function asText(value: Plain | undefined): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean') return String(value)
  throw new Fault(`${kindOf(value)} stands where text is expected`)
}

/** @throws Fault */
export function asNumber(value: Plain | undefined): number {
  if (typeof value === 'number') return value
  if (typeof value === 'string' && /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(value)) return Number(value)
  throw new Fault(`${kindOf(value)} stands where a number is expected`)
}

/** @throws Fault */
export function asInteger(value: Plain | undefined): number {
  const number = asNumber(value)
  if (!Number.isSafeInteger(number)) throw new Fault(`${number} stands where a whole number is expected`)
  return number
}

/** @throws Fault */
export function asBoolean(value: Plain | undefined): boolean {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw new Fault(`${kindOf(value)} stands where true or false is expected`)
}

/** @throws Fault */
export function asList<T extends Value>(value: T | undefined): readonly Value[] {
  if (value !== undefined && isList(value)) return value
  throw new Fault(`${kindOf(value)} stands where a list is expected`)
}

/** @throws Fault */
export function asFields<T extends Value>(value: T | undefined): { readonly [name: string]: Value } {
  if (value !== undefined && isFields(value)) return value
  throw new Fault(`${kindOf(value)} stands where an object is expected`)
}

/** For messages: what kind of value it is. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (isText(value)) return 'text'
  if (isUnknown(value)) return 'something unknown'
  if (isList(value)) return 'a list'
  return isFields(value) ? 'an object' : `a ${typeof value}`
}

/** The element of a list, or the value of a key. @throws Fault when there is none */
export function elementOf(value: Value, key: Plain): Value {
  if (isList(value)) {
    const element = value[asInteger(key)]
    if (element === undefined) throw new Fault(`a list of ${value.length} has no element ${asText(key)}`)
    return element
  }
  if (!isFields(value)) throw new Fault(`${kindOf(value)} has no elements`)
  const name = asText(key)
  if (!Object.hasOwn(value, name)) throw new Fault(`an object has no '${name}'`)
  return value[name]!
}

/** Equal as HCL means it: of one type, and element by element. */
export function equal(left: Plain, right: Plain): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const [first, second] = [Object.entries(left), Object.entries(right)]
  return (
    first.length === second.length &&
    first.every(([key, value]) => Object.hasOwn(right, key) && equal(value, (right as PlainFields)[key]!))
  )
}

/** Keys in the order in which HCL goes through an object. */
export function sortedKeys(value: object): string[] {
  return Object.keys(value).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
}
