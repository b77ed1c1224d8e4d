import { isUnseen } from './late-children.ts'
import type { ByteString } from './name.ts'
import { type Directory, directory, type Node } from './node.ts'
import { sharedLeaves, Walk } from './walk.ts'

/** The leaves with several names of all layers that come one after the other in a tar, and which name comes first there. */
export class LinkedNames {
  /** Of all the layers together. */
  readonly leaves: ReadonlySet<Node>
  readonly #firsts = new Map<Node, ByteString>()

  constructor(layers: readonly Directory[]) {
    const all = layers.map((layer, i): [ByteString, Directory] => [String(i), layer])
    this.leaves = sharedLeaves(directory(new Map(all)))
  }

  /** The name that came first, if the leaf has come and has several. */
  first(node: Node): ByteString | undefined {
    return this.#firsts.get(node)
  }

  /** A leaf comes for the first time. */
  met(node: Node, path: ByteString): void {
    if (this.leaves.has(node)) this.#firsts.set(node, path)
  }

  /** As if all of the layer came, in its order. */
  passed(layer: Directory): void {
    if (this.leaves.size === 0) return
    for (const at = new Walk(layer, isUnseen); at.next(); ) {
      if (this.first(at.node) === undefined) this.met(at.node, at.path)
    }
  }
}
