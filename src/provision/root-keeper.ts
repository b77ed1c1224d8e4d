import type { Tree } from '../oci/node.ts'
import type { Store } from '../oci/store.ts'
import type { KeptRoot } from './bring-root.ts'
import type { LaidOut, LayOutOptions } from './lay-out.ts'
import type { ReadRoot } from './read-back.ts'

/**
 * The roots of a build's scripts: what one script leaves becomes what the next one needs by the difference alone. A
 * script sees the same as in a root that was laid out anew. Disposing of it removes what is left.
 */
export class RootKeeper implements AsyncDisposable {
  readonly #store: Store
  #folder: Awaited<ReturnType<Store['workFolder']>> | undefined
  /** undefined while a script has the root, and for ever when it is not given back. */
  #kept: KeptRoot | undefined
  #discarding: Promise<void> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * A root that is `tree`, for one script. What is not given back by `keep` is removed.
   * @throws DISK_FULL; PATH_INVALID for names or paths that this file system cannot hold; the reason of the signal
   */
  async layOut(tree: Tree, options: LayOutOptions): Promise<LaidOut> {
    const changed = await this.#changed(tree, options)
    if (changed !== undefined) return changed
    await this.discard()
    this.#folder = await this.#store.workFolder('run')
    const { layOut } = await import('./lay-out.ts')
    return await layOut(tree, this.#folder.path, options)
  }

  /** Takes back a root after a script that succeeded. */
  keep(laid: LaidOut, read: ReadRoot): void {
    if (read.isWhole) this.#kept = { laid, read }
  }

  /** Removes the root that is there, if any; nobody needs to wait for it but whoever closes the store. */
  discard(): Promise<void> {
    const folder = this.#folder
    this.#folder = undefined
    this.#kept = undefined
    if (folder === undefined) return this.#discarding
    const remove = async () => {
      const { removeRoot } = await import('./remove-root.ts')
      await removeRoot(`${folder.path}/root`)
      await folder[Symbol.asyncDispose]()
    }
    this.#discarding = this.#discarding.catch(() => {}).then(remove)
    this.#discarding.catch(() => {})
    return this.#discarding
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.discard()
  }

  /** undefined when there is none that could be changed: the next one is laid out anew. */
  async #changed(tree: Tree, options: LayOutOptions): Promise<LaidOut | undefined> {
    const kept = this.#kept
    this.#kept = undefined
    if (kept === undefined) return undefined
    try {
      const { bringRoot } = await import('./bring-root.ts')
      return await bringRoot(kept, tree, options)
    } catch {
      // Whatever it was, a root that is laid out anew has it again, or not.
      options.signal.throwIfAborted()
      return undefined
    }
  }
}
