import { Fault } from '../../fault.ts'
import { isFields, isList, isMixed, isText, isUnknown, type Value } from '../../value.ts'
import {
  asBoolean,
  asFields,
  asInteger,
  asList,
  asNumber,
  asText,
  elementOf,
  equal,
  kindOf,
  type Plain,
  sortedKeys,
} from '../convert.ts'
import type { FunctionTable, HclFunction } from './function.ts'

/** Arranges values without looking into them, and so keeps their variables. @throws Fault */
const arranging = (make: (values: readonly Value[]) => Value | undefined): HclFunction => ({
  symbolic: make,
  plain: (values) => {
    const made = make(values)
    if (made === undefined) throw new Fault('the arguments do not fit')
    return made as Plain
  },
})

/** A function of a list that is known wholly. */
const ofList = (make: (list: readonly Plain[]) => Plain): HclFunction => ({
  plain: ([list]) => make(asList(list) as readonly Plain[]),
})

export const collectionFunctions: FunctionTable = {
  concat: arranging((lists) => lists.flatMap((list) => asList(list))),
  flatten: arranging(([list]) => flattened(asList(list), 0)),
  merge: arranging((objects) =>
    Object.fromEntries(
      objects.filter((object) => object !== null).flatMap((object) => Object.entries(asFields(object))),
    ),
  ),
  reverse: arranging(([list]) => [...asList(list)].reverse()),
  values: arranging(([object]) => sortedKeys(asFields(object)).map((key) => asFields(object)[key]!)),
  keys: arranging(([object]) => sortedKeys(asFields(object))),
  element: arranging(([list, index]) =>
    isMixed(index) ? undefined : wrapped(asList(list), asInteger(index as Plain)),
  ),
  slice: arranging(([list, from, to]) =>
    isMixed(from) || isMixed(to) ? undefined : sliced(asList(list), asInteger(from as Plain), asInteger(to as Plain)),
  ),
  chunklist: arranging(([list, size]) => (isMixed(size) ? undefined : chunks(asList(list), asInteger(size as Plain)))),
  lookup: arranging(([object, key, otherwise]) =>
    isMixed(key) ? undefined : lookedUp(asFields(object), asText(key as Plain), otherwise),
  ),
  index: {
    plain: ([list, key]) =>
      Array.isArray(list) && typeof key !== 'number' ? indexOf(list, key!) : (elementOf(list!, key!) as Plain),
  },
  length: arranging(([value]) => (isMixed(value) ? undefined : lengthOf(value!))),
  zipmap: arranging(([keys, values]) =>
    asList(keys).every((key) => typeof key === 'string')
      ? zipped(asList(keys) as readonly string[], asList(values))
      : undefined,
  ),
  coalesce: { plain: (values) => values.find((value) => value !== null && value !== '') ?? missing('coalesce') },
  coalescelist: arranging((lists) => lists.find((list) => asList(list).length > 0) ?? []),
  compact: arranging(([list]) => compacted(asList(list))),
  distinct: ofList(distinct),
  contains: { plain: ([list, value]) => (asList(list) as readonly Plain[]).some((element) => equal(element, value!)) },
  sort: ofList((list) => list.map(asText).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))),
  range: { plain: range },
  sum: ofList((list) => list.map(asNumber).reduce((sum, number) => sum + number, 0)),
  alltrue: ofList((list) => list.every(asBoolean)),
  anytrue: ofList((list) => list.some(asBoolean)),
  setunion: { plain: (lists) => distinct(lists.flatMap((list) => asList(list) as readonly Plain[])) },
  setintersection: {
    plain: ([first, ...others]) =>
      others.reduce<readonly Plain[]>((left, list) => kept(left, list, true), members(first)),
  },
  setsubtract: { plain: ([first, second]) => kept(members(first), second, false) },
}

const members = (list: Plain | undefined) => distinct(asList(list) as readonly Plain[])

/** Those of a list that are in another, or those that are not. */
function kept(list: readonly Plain[], other: Plain | undefined, isIn: boolean): Plain[] {
  const seen = new Set((asList(other) as readonly Plain[]).map((element) => JSON.stringify(element)))
  return list.filter((element) => seen.has(JSON.stringify(element)) === isIn)
}

function flattened(list: readonly Value[], depth: number): Value[] {
  if (depth > 100) throw new Fault('the lists are nested too deep')
  return list.flatMap((element) => (isList(element) ? flattened(element, depth + 1) : [element]))
}

/** Whether a text of variables alone is empty, only their values say. */
function compacted(list: readonly Value[]): Value | undefined {
  const isOpen = (element: Value) => isMixed(element) && !element.parts.some((part) => typeof part === 'string')
  return list.some(isOpen) ? undefined : list.filter((element) => element !== '' && element !== null)
}

function wrapped(list: readonly Value[], index: number): Value {
  if (list.length === 0) throw new Fault('element() of an empty list')
  return list[((index % list.length) + list.length) % list.length]!
}

function sliced(list: readonly Value[], from: number, to: number): Value {
  if (from < 0 || to > list.length || from > to)
    throw new Fault(`a list of ${list.length} has no slice ${from} to ${to}`)
  return list.slice(from, to)
}

function chunks(list: readonly Value[], size: number): Value {
  if (size < 0) throw new Fault('the size of chunks is negative')
  if (size === 0) return [list]
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  )
}

function lookedUp(object: { readonly [name: string]: Value }, key: string, otherwise: Value | undefined): Value {
  if (Object.hasOwn(object, key)) return object[key]!
  if (otherwise === undefined) throw new Fault(`an object has no '${key}'`)
  return otherwise
}

function indexOf(list: readonly Plain[], wanted: Plain): Plain {
  const index = list.findIndex((element) => equal(element, wanted))
  if (index < 0) throw new Fault('the list does not have the element')
  return index
}

function lengthOf(value: Value): number {
  if (isList(value)) return value.length
  if (isFields(value)) return Object.keys(value).length
  if (isText(value) && !isMixed(value)) return [...value].length
  throw new Fault(`${isUnknown(value) ? 'something unknown' : kindOf(value)} has no length`)
}

function zipped(keys: readonly string[], values: readonly Value[]): Value {
  if (keys.length !== values.length) throw new Fault('the lists of zipmap() differ in length')
  return Object.fromEntries(keys.map((key, index) => [key, values[index]!]))
}

function distinct(list: readonly Plain[]): Plain[] {
  const seen = new Set<string>()
  return list.filter((element) => {
    const text = JSON.stringify(element)
    return !seen.has(text) && seen.add(text)
  })
}

function range(values: readonly Plain[]): Plain {
  const given = values.map(asNumber)
  const [start, end] = given.length === 1 ? [0, given[0]!] : [given[0]!, given[1]!]
  const step = given[2] ?? (end < start ? -1 : 1)
  if (step === 0 || (end - start) / step > 1024) throw new Fault('range() makes at most 1024 numbers')
  return Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, index) => start + index * step)
}

function missing(name: string): never {
  throw new Fault(`nothing is given to ${name}`)
}
