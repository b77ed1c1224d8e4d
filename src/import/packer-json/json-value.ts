import type { Node } from 'jsonc-parser'
import { OcibakeError } from '../../errors.ts'
import { inWords } from '../in-words.ts'
import type { SourceText } from '../source-text.ts'
import type { Place, Value } from '../value.ts'

/** A member of an object: its key's place and its value. */
export interface Member {
  readonly name: string
  readonly value: Node
  readonly place: Place
}

/** Reads what the nodes of a template say. */
export class JsonReader {
  readonly source: SourceText
  readonly #duplicate: (name: string, place: Place) => void

  /** @param duplicate is told of each key that an object has already; the last counts, as in Packer */
  constructor(source: SourceText, duplicate: (name: string, place: Place) => void) {
    this.source = source
    this.#duplicate = duplicate
  }

  placeOf(node: Node): Place {
    return this.source.place(node.offset)
  }

  /** The members of an object in their order. @throws TEMPLATE_INVALID when it is none */
  members(node: Node, what: string): readonly Member[] {
    if (node.type !== 'object') throw this.refused(node, `${what} is no object.`, 'Write {"name": value, …}.')
    const members = new Map<string, Member>()
    for (const { children } of node.children ?? []) {
      const [key, value] = children!
      const name: string = key!.value
      const place = this.placeOf(key!)
      if (members.has(name)) this.#duplicate(name, place)
      members.delete(name)
      members.set(name, { name, value: value!, place })
    }
    return [...members.values()]
  }

  /** The elements of a list. @throws TEMPLATE_INVALID when it is none */
  elements(node: Node, what: string): readonly Node[] {
    if (node.type !== 'array') throw this.refused(node, `${what} is no list.`, 'Write [ … ].')
    return node.children ?? []
  }

  value(node: Node): Value {
    if (node.type === 'array') return (node.children ?? []).map((child) => this.value(child))
    if (node.type !== 'object') return node.value
    return Object.fromEntries(this.members(node, 'This').map(({ name, value }) => [name, this.value(value)]))
  }

  refused(node: Node, observed: string, hint: string): OcibakeError {
    const { file, line, column } = this.placeOf(node)
    return new OcibakeError('TEMPLATE_INVALID', `${file}:${line}:${column}: ${inWords(observed)}`, { hint })
  }
}
