import { OcibakeError } from '../errors.ts'
import type { ByteString } from '../oci/name.ts'
import type { Node, Tree } from '../oci/node.ts'
import { nodeAt, resolvePath } from '../oci/tree-paths.ts'
import { readSmallFile } from '../provision/image-file.ts'
import type { Unread } from './unread.ts'

/** Bytes that a database of all packages may have: that of a hundred thousand. */
export const DATABASE = 64 << 20
/** Bytes that a file about one package may have. */
export const METADATA = 1 << 20

/** The files of an image in which package managers write what they have done. */
export class ImageTexts {
  readonly tree: Tree
  readonly unread: Unread
  readonly #signal: AbortSignal

  constructor(tree: Tree, unread: Unread, signal: AbortSignal) {
    this.tree = tree
    this.unread = unread
    this.#signal = signal
  }

  /**
   * What a file says, symlinks resolved in the image; undefined where there is none, and, once that is noted, for what is
   * larger than `limit` bytes or no text. @throws STORE_CORRUPT, FILE_CHANGED, the signal's reason
   */
  async read(path: ByteString, limit: number): Promise<string | undefined> {
    this.#signal.throwIfAborted()
    const bytes = await readSmallFile(this.tree, path, limit).catch((error: unknown) => {
      if (!(error instanceof OcibakeError) || error.code !== 'PATH_INVALID') throw error
      this.unread.add(path, `larger than ${limit >> 20} MiB`)
      return undefined
    })
    if (bytes === undefined) return undefined
    if (!bytes.includes(0)) return bytes.toString('utf8')
    this.unread.add(path, 'no text')
    return undefined
  }

  /** What is at a path, and where that is, symlinks resolved in the image. Of a loop of symlinks there is nothing. */
  at(path: ByteString): { readonly path: ByteString; readonly node: Node } | undefined {
    try {
      const real = resolvePath(this.tree, path)
      const node = real === null ? undefined : nodeAt(this.tree, real)
      return node && { path: real!, node }
    } catch (error) {
      if (error instanceof OcibakeError && error.code === 'PATH_INVALID') return undefined
      throw error
    }
  }
}
