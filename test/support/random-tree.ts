import { bytesContent } from '../../src/oci/content.ts'
import type { Attrs, Directory, Leaf, Node, Tree } from '../../src/oci/node.ts'
import { directory, NO_XATTRS, WHITEOUT } from '../../src/oci/node.ts'

/** A small seeded generator (mulberry32): the same seed gives the same trees on every machine. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}

const NAMES = ['a', 'b', 'c', 'd', '\xfc', 'e\n']
const CONTENTS = ['', 'one', 'two', 'three!'].map((text) => bytesContent(text))

function randomAttrs(random: Random): Attrs {
  return {
    mode: random.pick([0, 0o644, 0o755, 0o4755, 0o1777, 0o7777]),
    uid: random.pick([0, 1, 65100, 3_000_000]),
    gid: random.pick([0, 42]),
    mtime: random.pick([-5, 0, 1_700_000_000, 5_000_000_000]),
    xattrs: random.chance(6) ? new Map([['user.bin', Buffer.from([1, 0, 255, 10, random.below(3)])]]) : NO_XATTRS,
  }
}

function randomLeaf(random: Random, made: Leaf[]): Leaf {
  if (made.length > 0 && random.chance(4)) return random.pick(made)
  const attrs = randomAttrs(random)
  const leaf: Leaf = random.pick<() => Leaf>([
    () => ({ kind: 'file', attrs, content: random.pick(CONTENTS) }),
    () => ({ kind: 'file', attrs, content: random.pick(CONTENTS) }),
    () => ({
      kind: 'symlink',
      attrs: { ...attrs, mode: 0o777 },
      target: random.pick(['a', '../b', '/c/d', 'nowhere']),
    }),
    () => ({ kind: 'special', attrs, type: 'character', major: 1, minor: random.below(4) }),
    () => ({ kind: 'special', attrs, type: 'fifo', major: 0, minor: 0 }),
  ])()
  made.push(leaf)
  return leaf
}

export interface Shape {
  readonly depth: number
  /** Layers have whiteouts and opaque directories; trees do not. */
  readonly layer?: boolean
}

function randomDirectory(random: Random, shape: Shape, made: Leaf[]): Directory {
  const children = new Map<string, Node>()
  for (const name of NAMES) {
    const roll = random.below(7)
    if (roll <= 2 && shape.depth > 0) {
      children.set(name, randomDirectory(random, { ...shape, depth: shape.depth - 1 }, made))
    } else if (roll === 3 && shape.layer) children.set(name, WHITEOUT)
    else if (roll === 4 || roll === 5) children.set(name, randomLeaf(random, made))
  }
  return directory(children, randomAttrs(random), shape.layer === true && random.chance(5))
}

export function randomTree(random: Random, depth = 3): Tree {
  return randomDirectory(random, { depth }, []) as Tree
}

export function randomLayer(random: Random, depth = 3): Directory {
  return randomDirectory(random, { depth, layer: true }, [])
}

/** A copy of `tree` with a few leaves and directories replaced, so that most of it is the same objects. */
export function randomEdit(random: Random, tree: Tree): Tree {
  const edited = (node: Directory, depth: number): Directory => {
    const children = new Map(node.children)
    for (const [name, child] of children) {
      if (random.chance(8)) children.delete(name)
      else if (child.kind === 'directory' && depth > 0) children.set(name, edited(child, depth - 1))
      else if (random.chance(5)) children.set(name, randomLeaf(random, []))
    }
    if (children.size > 0 && random.chance(4)) children.set(random.pick(NAMES), random.pick([...children.values()]))
    return directory(children, random.chance(6) ? randomAttrs(random) : node.attrs)
  }
  return edited(tree, 4) as Tree
}
