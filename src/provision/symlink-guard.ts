import type { ByteString } from '../oci/name.ts'
import type { TarEntry } from '../oci/tar-entry.ts'
import { namesOf } from '../oci/tree-paths.ts'

/** As for Linux: path_resolution(7). */
const MAX_HOPS = 40

/**
 * The symlinks that an archive has made so far, to tell where a name that goes through them would land. GNU tar makes
 * such symlinks last, so that nothing can go through them; here only what would leave the destination is told.
 */
export class SymlinkGuard {
  readonly #root: readonly ByteString[]
  readonly #targets = new Map<ByteString, ByteString>()

  /** @param to the destination, a path from the image's root */
  constructor(to: ByteString) {
    this.#root = namesOf(to)
  }

  /** Takes note of what an entry leaves at its path, which counts from the image's root. */
  note({ type, path, target }: TarEntry): void {
    if (type === 'symlink') this.#targets.set(path, target)
    else if (this.#targets.size > 0) this.#targets.delete(path)
  }

  /** Whether the folder of `path` (from the image's root) is outside of the destination once symlinks are followed. */
  leadsOut(path: ByteString): boolean {
    if (this.#targets.size === 0) return false
    const todo = namesOf(path).slice(0, -1).reverse()
    const done: ByteString[] = []
    for (let hops = 0; todo.length > 0; ) {
      const name = todo.pop()!
      if (name === '..') {
        done.pop()
        continue
      }
      done.push(name)
      const target = this.#targets.get(done.join('/'))
      if (target === undefined) continue
      if (++hops > MAX_HOPS) return true
      if (target.startsWith('/')) done.length = 0
      else done.pop()
      todo.push(...namesOf(target).reverse())
    }
    return this.#root.some((name, at) => done[at] !== name)
  }
}
