import type { Node } from 'jsonc-parser'
import type { Findings } from '../findings.ts'
import type { Attribute, Block } from '../template.ts'
import type { Place } from '../value.ts'
import type { JsonReader } from './json-value.ts'

/** Makes blocks of the objects of a template. */
export class BlockReader {
  readonly #json: JsonReader
  readonly #findings: Findings

  constructor(json: JsonReader, findings: Findings) {
    this.#json = json
    this.#findings = findings
  }

  /** A builder, provisioner or post-processor: `type` and `name` are the block's own, all else its attributes. @throws TEMPLATE_INVALID */
  block(node: Node, what: string): Block {
    const members = this.#json.members(node, what).filter(({ name, place }) => !this.#isComment(name, place))
    const type = members.find(({ name }) => name === 'type')?.value
    if (type?.type !== 'string') throw this.#json.refused(node, `${what} has no "type".`, 'Write {"type": "…", …}.')
    const name = members.find((member) => member.name === 'name')?.value
    const others = members.filter((member) => member.value !== type && member.value !== name)
    return {
      type: type.value,
      ...(typeof name?.value === 'string' ? { name: name.value } : {}),
      place: this.#json.placeOf(node),
      attributes: new Map(others.map((member) => [member.name, this.#attribute(member.value, member.place)])),
      blocks: [],
    }
  }

  /** A post-processor, which may be its type alone. */
  postProcessor(node: Node): Block {
    if (node.type !== 'string') return this.block(node, 'This post-processor')
    return { type: node.value, place: this.#json.placeOf(node), attributes: new Map(), blocks: [] }
  }

  #attribute(node: Node, place: Place): Attribute {
    const value = this.#json.value(node)
    if (node.type !== 'array') return { value, place }
    return { value, place, elements: (node.children ?? []).map((child) => this.#json.placeOf(child)) }
  }

  #isComment(name: string, place: Place): boolean {
    if (!name.startsWith('_')) return false
    const says = `'${name}' is a comment, which Packer allows at the top of a template only.`
    this.#findings.add({
      kind: 'defect',
      id: 'OB123',
      place,
      says,
      advice: 'It is left out here; remove it from the template.',
    })
    return true
  }
}
