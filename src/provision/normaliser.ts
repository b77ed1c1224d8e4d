import type { Tree } from '../oci/node.ts'

/** What a normaliser may look at. */
export interface NormaliseContext {
  /** Before the first step: what was like this there is not touched. */
  readonly base: Tree
  /** The image's time, seconds since 1970 UTC. */
  readonly created: number
}

export interface Normaliser {
  /** One line for `plan`. */
  readonly what: string
  apply(tree: Tree, context: NormaliseContext): Tree | Promise<Tree>
}
