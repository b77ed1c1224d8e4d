import { OcibakeError } from '../errors.ts'
import type { ByteString } from '../oci/name.ts'
import type { Node, Tree } from '../oci/node.ts'
import { nodeAt, resolvePath } from '../oci/tree-paths.ts'
import { readSmallFile } from '../provision/image-file.ts'
import { type Fields, fieldLines } from './field-lines.ts'
import type { Unread } from './unread.ts'

/** Bytes that a database of all packages may have: that of a hundred thousand. */
export const DATABASE = 64 << 20
/** Bytes that a file about one package may have. */
export const METADATA = 1 << 20

/** Bytes and entries that are read of one image: ten times those of a large one. */
const MOST_BYTES = 256 << 20
const MOST_ENTRIES = 1_000_000

/** The files of an image in which package managers write what they have done. */
export class ImageTexts {
  readonly tree: Tree
  readonly unread: Unread
  readonly #signal: AbortSignal
  #bytes = 0
  #entries = 0

  constructor(tree: Tree, unread: Unread, signal: AbortSignal) {
    this.tree = tree
    this.unread = unread
    this.#signal = signal
  }

  /**
   * What a file says, symlinks resolved in the image; undefined where there is none, and, once that is noted, for what is
   * larger than `limit` bytes or no text, and when all that was read before is too much. @throws STORE_CORRUPT, FILE_CHANGED, the signal's reason
   */
  async read(path: ByteString, limit: number): Promise<string | undefined> {
    this.#signal.throwIfAborted()
    const left = MOST_BYTES - this.#bytes
    const bytes = await readSmallFile(this.tree, path, Math.min(limit, left)).catch((error: unknown) => {
      if (!(error instanceof OcibakeError) || error.code !== 'PATH_INVALID') throw error
      this.unread.add(
        path,
        left < limit ? `there are more than ${MOST_BYTES >> 20} MiB` : `larger than ${limit >> 20} MiB`,
      )
      return undefined
    })
    if (bytes === undefined) return undefined
    this.#bytes += bytes.length
    if (!bytes.includes(0)) return bytes.toString('utf8')
    this.unread.add(path, 'no text')
    return undefined
  }

  /** The entries of a database, as `fieldLines` has them: of a file that `read` does not read, none. @throws as that */
  async *entries(path: ByteString, limit: number): AsyncGenerator<Fields> {
    const text = (await this.read(path, limit)) ?? ''
    for await (const fields of fieldLines(text, this.#signal)) {
      if (this.#entries === MOST_ENTRIES) return this.unread.add(path, `there are more than ${MOST_ENTRIES} entries`)
      this.#entries++
      yield fields
    }
  }

  /** The first entry of a file, which may be empty; undefined for one that `read` does not read. @throws as that */
  async head(path: ByteString, limit: number): Promise<Fields | undefined> {
    const text = await this.read(path, limit)
    if (text === undefined) return undefined
    for await (const fields of fieldLines(text, this.#signal)) return fields
    return new Map()
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
