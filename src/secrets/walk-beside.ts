import { setImmediate } from 'node:timers/promises'
import type { ByteString } from '../oci/name.ts'
import type { Directory, Node } from '../oci/node.ts'

/** A node of a tree. */
export interface Beside {
  /** Counted from 0: the same walk of the same trees gives the same numbers. */
  readonly number: number
  /** The path of the folder that it is in, with a slash at its end, or ''. */
  readonly folder: ByteString
  readonly name: ByteString
  readonly node: Node
  /** The other tree has this very node at the same path. */
  readonly isSame: boolean
}

/** Nodes that are shown before all else has its turn: a millisecond of those that have to be read first. */
const AT_ONCE = 500

/**
 * Shows every node below the root of a tree, beside what another has at its path; in no particular order. What `visit`
 * gets is another node's when it returns: there may be half a million. Depth costs no stack.
 * @param isAll false: not what is in folders that the other tree has, too
 */
export async function walkBeside(
  other: Directory,
  tree: Directory,
  isAll: boolean,
  visit: (beside: Beside) => void,
): Promise<void> {
  const at = { number: -1, folder: '', name: '', node: tree as Node, isSame: false }
  const stack: { folder: ByteString; old: Directory | undefined; now: Directory }[] = [
    { folder: '', old: other, now: tree },
  ]
  let pause = AT_ONCE
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { folder, old, now } = top
    at.folder = folder
    now.children.forEach((node, name) => {
      const before = old?.children.get(name)
      at.number++
      at.name = name
      at.node = node
      at.isSame = before === node
      visit(at)
      if (node.kind !== 'directory' || (at.isSame && !isAll)) return
      stack.push({ folder: `${folder}${name}/`, old: before?.kind === 'directory' ? before : undefined, now: node })
    })
    if (at.number < pause) continue
    pause = at.number + AT_ONCE
    await setImmediate()
  }
}
