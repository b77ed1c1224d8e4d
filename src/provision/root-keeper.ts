import type { Report } from '../events.ts'
import type { ByteString } from '../oci/name.ts'
import type { Tree } from '../oci/node.ts'
import type { Store } from '../oci/store.ts'
import { OF_THE_USER, warnOfRefused } from './host-attributes.ts'
import { type LaidOut, layOut, namesByPath, stamped } from './lay-out.ts'
import type { ReadRoot } from './read-back.ts'
import { removeRoot } from './remove-root.ts'
import type { OnDisk } from './root-change.ts'
import { changeRoot } from './root-changes.ts'
import { rootDifference } from './root-difference.ts'
import type { Found } from './survey-root.ts'

export interface KeeperOptions extends OnDisk {
  readonly report: Report
  readonly signal: AbortSignal
}

/** A root that was read back and lies there still. */
interface Kept {
  readonly laid: LaidOut
  readonly read: ReadRoot
}

/**
 * The roots of a build's scripts: what one script leaves becomes what the next one needs by the difference alone. A
 * script sees the same as in a root that was laid out anew. Disposing of it removes what is left.
 */
export class RootKeeper implements AsyncDisposable {
  readonly #store: Store
  #folder: Awaited<ReturnType<Store['workFolder']>> | undefined
  /** undefined while a script has the root, and for ever when it is not given back. */
  #kept: Kept | undefined
  #discarding: Promise<void> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * A root that is `tree`, for one script. What is not given back by `keep` is removed.
   * @throws DISK_FULL; PATH_INVALID for names or paths that this file system cannot hold; the reason of the signal
   */
  async layOut(tree: Tree, options: KeeperOptions): Promise<LaidOut> {
    const changed = await this.#changed(tree, options)
    if (changed !== undefined) return changed
    await this.discard()
    this.#folder = await this.#store.workFolder('run')
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
  async #changed(tree: Tree, options: KeeperOptions): Promise<LaidOut | undefined> {
    const kept = this.#kept
    this.#kept = undefined
    if (kept === undefined || kept.laid.owners !== options.owners) return undefined
    const changes = rootDifference(kept.read, tree, options)
    if (changes === undefined) return undefined
    try {
      return await change(kept, tree, changes, options)
    } catch {
      // Whatever it was, a root that is laid out anew has it again, or not.
      options.signal.throwIfAborted()
      return undefined
    }
  }
}

async function change(
  { laid: { root, owners }, read }: Kept,
  tree: Tree,
  changes: NonNullable<ReturnType<typeof rootDifference>>,
  { newest, report, signal }: KeeperOptions,
): Promise<LaidOut> {
  const refused = changes.length === 0 ? [] : await changeRoot(root, changes, { owners, newest, signal })
  if (owners === 'real') warnOfRefused(refused, report)
  const [now, before] = [namesByPath(refused), recordedNames(read.found)]
  return await stamped(
    { root, tree, owners, refused: ({ path, identity }) => now.get(path) ?? before.get(identity) },
    signal,
  )
}

/** Attributes that the builder might have set himself, had the disk taken them: names by the identity of the inode. */
function recordedNames(found: Found, names = new Map<string, Set<ByteString>>()): Map<string, Set<ByteString>> {
  const own = [...(found.stamp.record?.xattrs.keys() ?? [])].filter((name) => OF_THE_USER.test(name))
  if (own.length > 0) names.set(found.entry.identity, new Set(own))
  for (const child of found.children ?? []) recordedNames(child, names)
  return names
}
