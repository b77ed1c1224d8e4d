import type { Attribute, Block } from './template.ts'
import { type Fields, isFields, isList, type Value } from './value.ts'

/** What decides whether a block is for a source: names such as `docker.ubuntu`, strings without wildcards. */
const CHOICE = ['only', 'except']

/** The block is for a source that has these names. */
export function isFor({ attributes }: Block, names: readonly string[]): boolean {
  const [only, except] = CHOICE.map((name) => listed(attributes.get(name)?.value))
  if (only !== undefined && only.length > 0) return only.some((name) => names.includes(name))
  return !(except ?? []).some((name) => names.includes(name))
}

function listed(value: Value | undefined): readonly string[] | undefined {
  if (typeof value === 'string') return value.split(',')
  return value !== undefined && isList(value) ? value.filter((name) => typeof name === 'string') : undefined
}

/** The block as it is for a source that has these names: `override` merged in, and what chose the source left out. */
export function blockFor(block: Block, names: readonly string[]): Block {
  const override = block.attributes.get('override')
  const attributes = new Map(block.attributes)
  for (const name of [...CHOICE, 'override']) attributes.delete(name)
  for (const [name, value] of Object.entries(overriding(override?.value, names))) {
    attributes.set(name, overridden(value, override!))
  }
  return { ...block, attributes }
}

function overriding(override: Value | undefined, names: readonly string[]): Fields {
  if (!isFields(override)) return {}
  const own = names.filter((name) => Object.hasOwn(override, name)).map((name) => override[name]!)
  return own.find(isFields) ?? {}
}

const overridden = (value: Value, { place }: Attribute): Attribute => ({ value, place })
