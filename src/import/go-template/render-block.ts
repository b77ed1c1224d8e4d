import type { Attribute, Block } from '../template.ts'
import { joinTexts } from '../text.ts'
import { isFields, isList, isMixed, Mixed, type Place, type Text, type Value } from '../value.ts'
import { type GoContext, renderText } from './render.ts'

/** The block with the Go templates in its texts done. */
export function renderBlock(block: Block, context: (place: Place) => GoContext): Block {
  const attributes = [...block.attributes].map(([name, attribute]) => [name, rendered(attribute, context)] as const)
  return {
    ...block,
    attributes: new Map(attributes),
    blocks: block.blocks.map((inner) => renderBlock(inner, context)),
  }
}

function rendered(attribute: Attribute, context: (place: Place) => GoContext): Attribute {
  const { value, place, elements } = attribute
  if (elements === undefined || !isList(value)) return { ...attribute, value: renderValue(value, context(place)) }
  return { ...attribute, value: value.map((element, index) => renderValue(element, context(elements[index] ?? place))) }
}

function renderValue(value: Value, context: GoContext): Value {
  if (typeof value === 'string') return renderText(value, context)
  if (isMixed(value)) return renderMixed(value, context)
  if (isList(value)) return value.map((element) => renderValue(element, context))
  if (!isFields(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, renderValue(inner, context)]))
}

function renderMixed({ parts }: Mixed, context: GoContext): Text {
  return joinTexts(...parts.map((part) => (typeof part === 'string' ? renderText(part, context) : new Mixed([part]))))
}
