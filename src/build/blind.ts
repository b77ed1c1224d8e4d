import type { ByteString } from '../oci/name.ts'
import { type Directory, directory, FRESH_DIRECTORY, type Node, type Tree } from '../oci/node.ts'
import type { Plan } from '../spec/plan.ts'

const NUMERIC_OWNER = /^\d+(:\d+)?$/

/**
 * Whether the new layer can be made without looking into the base: it is appended, and every step only adds files
 * under fixed names and ids. It depends on the spec alone, never on what the store happens to hold, so that the same
 * spec always makes the same layer.
 */
export function isBlind(plan: Plan): boolean {
  return (
    plan.layers === 'append' &&
    plan.steps.every(({ step }) => {
      if ('copy' in step || 'write' in step) return step.owner === undefined || NUMERIC_OWNER.test(step.owner)
      if ('unpack' in step)
        return step.owner === undefined || step.owner === 'archive' || NUMERIC_OWNER.test(step.owner)
      return 'link' in step && step.hard !== true
    })
  )
}

/**
 * The layer that steps made over nothing: folders that nobody described are implied, so that in the container they
 * keep what the base has, or become 0755 root where it has none.
 */
export function blindLayer(tree: Tree): Directory {
  const visit = (node: Node): Node => {
    if (node.kind !== 'directory') return node
    const children = new Map<ByteString, Node>()
    for (const [name, child] of node.children) children.set(name, visit(child))
    return directory(children, node.attrs === FRESH_DIRECTORY ? null : node.attrs)
  }
  return visit(tree) as Directory
}
