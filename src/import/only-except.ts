import type { Block } from './template.ts'
import { type Fields, isFields, isList, type Value } from './value.ts'

/** What decides whether a block is for a source: names such as `docker.ubuntu`, strings without wildcards. */
const CHOICE = ['only', 'except']

/** The block is for a source that has this name: `docker.ubuntu` in HCL2, the builder's name in JSON. */
export function isFor({ attributes }: Block, name: string): boolean {
  const [only, except] = CHOICE.map((name) => listed(attributes.get(name)?.value))
  if (only !== undefined && only.length > 0) return only.includes(name)
  return !(except ?? []).includes(name)
}

function listed(value: Value | undefined): readonly string[] | undefined {
  if (typeof value === 'string') return value.split(',')
  return value !== undefined && isList(value) ? value.filter((element) => typeof element === 'string') : undefined
}

/** The block as it is for a source that is called this: `override` merged in, and what chose the source left out. */
export function blockFor(block: Block, name: string): Block {
  const override = block.attributes.get('override')
  const attributes = new Map(block.attributes)
  for (const choice of [...CHOICE, 'override']) attributes.delete(choice)
  for (const [option, value] of Object.entries(overriding(override?.value, name))) {
    attributes.set(option, { value, place: override!.place })
  }
  return { ...block, attributes }
}

function overriding(override: Value | undefined, name: string): Fields {
  const own = isFields(override) && Object.hasOwn(override, name) ? override[name] : undefined
  return isFields(own) ? own : {}
}
