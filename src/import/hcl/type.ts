import { Fault } from '../fault.ts'
import { type Fields, isFields, isList, isText, isUnknown, type Value } from '../value.ts'
import { asBoolean, asNumber, asText, kindOf } from './convert.ts'
import { type Expression, written } from './syntax.ts'

/** A type constraint: `string`, `list(string)`, `object({ … })` … */
export type Type =
  | { readonly kind: 'any' | 'string' | 'number' | 'bool' }
  | { readonly kind: 'list' | 'map'; readonly of: Type }
  | { readonly kind: 'tuple'; readonly elements: readonly Type[] }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, FieldType> }

interface FieldType {
  readonly type: Type
  readonly optional: boolean
}

/** Of text or a number, which stay symbolic. */
export const isScalar = (type: Type) => type.kind === 'string' || type.kind === 'number'

/** The type that an expression names. @throws Fault when it names none */
export function typeOf(expression: Expression): Type {
  const simple =
    expression.kind === 'variable' ? expression.name : expression.kind === 'literal' ? expression.value : undefined
  if (simple === 'any' || simple === 'string' || simple === 'number' || simple === 'bool') return { kind: simple }
  // The quoted names of older templates.
  if (simple === 'list' || simple === 'set' || simple === 'map')
    return { kind: simple === 'map' ? 'map' : 'list', of: { kind: 'any' } }
  if (expression.kind !== 'call') throw new Fault(`'${written(expression)}' is no type`)
  const [inner] = expression.arguments
  if (inner !== undefined) {
    if (expression.name === 'list' || expression.name === 'set') return { kind: 'list', of: typeOf(inner) }
    if (expression.name === 'map') return { kind: 'map', of: typeOf(inner) }
    if (expression.name === 'tuple' && inner.kind === 'tuple')
      return { kind: 'tuple', elements: inner.elements.map(typeOf) }
    if (expression.name === 'object' && inner.kind === 'object') {
      return { kind: 'object', fields: new Map(inner.entries.map(({ key, value }) => [written(key), fieldOf(value)])) }
    }
  }
  throw new Fault(`'${written(expression)}' is no type`)
}

function fieldOf(expression: Expression): FieldType {
  const inner = expression.kind === 'call' && expression.name === 'optional' ? expression.arguments[0] : undefined
  return inner === undefined ? { type: typeOf(expression), optional: false } : { type: typeOf(inner), optional: true }
}

/** The value as one of the type, as HCL converts. Text with variables stays as it is. @throws Fault */
export function converted(value: Value, type: Type): Value {
  if (value === null || isUnknown(value) || type.kind === 'any') return value
  if (isText(value) && typeof value !== 'string') return value
  switch (type.kind) {
    case 'string':
    case 'number':
    case 'bool':
      if (isList(value) || isFields(value)) throw new Fault(`${kindOf(value)} stands where ${type.kind} is expected`)
      return type.kind === 'string' ? asText(value) : type.kind === 'number' ? asNumber(value) : asBoolean(value)
    case 'list':
      if (!isList(value)) throw new Fault(`${kindOf(value)} stands where a list is expected`)
      return value.map((element) => converted(element, type.of))
    case 'tuple':
      if (!isList(value) || value.length !== type.elements.length)
        throw new Fault(`${type.elements.length} elements are expected`)
      return value.map((element, index) => converted(element, type.elements[index]!))
    case 'map':
      return Object.fromEntries(
        Object.entries(fieldsOf(value)).map(([name, inner]) => [name, converted(inner, type.of)]),
      )
    case 'object':
      return convertedFields(fieldsOf(value), type.fields)
  }
}

function fieldsOf(value: Value): Fields {
  if (!isFields(value)) throw new Fault(`${kindOf(value)} stands where an object is expected`)
  return value
}

function convertedFields(value: { readonly [name: string]: Value }, fields: ReadonlyMap<string, FieldType>): Value {
  return Object.fromEntries(
    [...fields].map(([name, { type, optional }]) => {
      if (Object.hasOwn(value, name)) return [name, converted(value[name]!, type)]
      if (optional) return [name, null]
      throw new Fault(`an object has no '${name}'`)
    }),
  )
}
