import { apply } from '../oci/apply.ts'
import { EMPTY, type Tree } from '../oci/node.ts'
import type { Archive } from './archive.ts'
import { archiveLayer, type LayerOptions } from './archive-layer.ts'

/** Images that steps take from by turns; a Dockerfile that copies from more has the tree of one of them made again. */
const MOST = 4

/** The roots that tarballs are, each made once for the steps of a build that take something from it. */
export class ArchiveTrees {
  /** The one that was asked for last is the last. */
  readonly #trees = new Map<string, Tree>()

  /** What unpacking all of the archive gives. Nobody may put a file of it into an image twice. @throws as `archiveLayer` */
  of(archive: Archive, owner: NonNullable<LayerOptions['owner']>): Tree {
    const key = `${archive.digest} ${owner === 'archive' ? owner : `${owner.uid}:${owner.gid}`}`
    const tree = this.#trees.get(key) ?? apply(EMPTY, archiveLayer(archive, { to: '', owner }))
    this.#trees.delete(key)
    this.#trees.set(key, tree)
    for (const old of [...this.#trees.keys()].slice(0, -MOST)) this.#trees.delete(old)
    return tree
  }

  /** Gives up their memory. */
  forget(): void {
    this.#trees.clear()
  }
}
