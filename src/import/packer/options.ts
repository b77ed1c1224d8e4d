import type { Attribute, Block } from '../template.ts'
import { joinTexts, splitText } from '../text.ts'
import { isFields, isList, isText, Mixed, type Place, type Text, Unknown, type Value } from '../value.ts'

/** One text of an option, and where it is written. */
export interface PlacedText {
  readonly text: Text
  readonly place: Place
}

/**
 * The options of a block, as Packer reads them: weakly typed, a text for a list in JSON being a list with commas. It knows
 * which of them nobody has asked for.
 */
export class Options {
  readonly block: Block
  readonly #isJson: boolean
  readonly #asked = new Set<string>()

  constructor(block: Block, format: 'hcl' | 'json') {
    this.block = block
    this.#isJson = format === 'json'
  }

  /** Where the option is, else where the block is. */
  place(name: string): Place {
    return this.block.attributes.get(name)?.place ?? this.block.place
  }

  has(name: string): boolean {
    return this.value(name) !== undefined
  }

  /** undefined for an option that is not there, or null. */
  value(name: string): Value | undefined {
    this.#asked.add(name)
    return this.block.attributes.get(name)?.value ?? undefined
  }

  text(name: string): Text | undefined {
    return textOf(this.value(name))
  }

  /** Packer takes "true" and 1 as well. */
  flag(name: string): boolean | undefined {
    const value = this.value(name)
    return value === undefined ? undefined : value === true || value === 'true' || value === '1' || value === 1
  }

  texts(name: string): PlacedText[] {
    const value = this.value(name)
    const place = this.place(name)
    if (isList(value)) {
      const { elements = [] } = this.block.attributes.get(name)!
      return value.flatMap((item, index) => {
        const text = textOf(item)
        return text === undefined ? [] : [{ text, place: elements[index] ?? place }]
      })
    }
    const text = textOf(value)
    if (text === undefined) return []
    return this.#isJson ? splitText(text, ',').map((one) => ({ text: one, place })) : [{ text, place }]
  }

  /** As `texts`, of an option that is no list. */
  single(name: string): PlacedText[] {
    const text = this.text(name)
    return text === undefined ? [] : [{ text, place: this.place(name) }]
  }

  /** A map of texts. */
  fields(name: string): (readonly [name: string, text: Text])[] {
    const value = this.value(name)
    if (!isFields(value)) return []
    return Object.entries(value).flatMap(([key, item]) => {
      const text = textOf(item)
      return text === undefined ? [] : [[key, text] as const]
    })
  }

  /** What nobody has asked for. */
  get others(): (readonly [name: string, attribute: Attribute])[] {
    return [...this.block.attributes].filter(([name, { value }]) => !this.#asked.has(name) && value !== null)
  }
}

/** A value as text, as Packer converts numbers and booleans; undefined for lists, maps and nothing. */
export function textOf(value: Value | undefined): Text | undefined {
  if (isText(value)) return joinTexts(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value instanceof Unknown) return new Mixed([value])
  return undefined
}
