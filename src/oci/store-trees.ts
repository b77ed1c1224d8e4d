import { readFile } from 'node:fs/promises'
import { OcibakeError } from '../errors.ts'
import { decodeBlobIndex, encodeBlobIndex } from './blob-index.ts'
import type { Digest } from './digest.ts'
import { INDEX_VERSION } from './layer-index.ts'
import { layerOfTar } from './layer-read.ts'
import type { Directory } from './node.ts'
import type { IndexedTar } from './store-layers.ts'
import { treePath } from './store-paths.ts'
import type { StoreSession } from './store-session.ts'
import { stretchesBeside, stretchesOf } from './stretches.ts'
import { TempFile } from './temp-file.ts'
import { readTree } from './tree-reader.ts'
import { writeTree } from './tree-writer.ts'

/**
 * Goes up when the format, what LayerBuilder makes of the same members, or which headers OwnHeaders finds changes; other
 * versions are made again.
 */
const VERSION = `${INDEX_VERSION}.4`

/** What raw tars say as layers, beside their indexes: made of those when somebody asks, and taken by later builds. */
export class StoreTrees {
  readonly #folder: string
  readonly #session: StoreSession
  readonly #writing: Promise<void>[] = []

  constructor(folder: string, session: StoreSession) {
    this.#folder = folder
    this.#session = session
  }

  /**
   * @param isWritten its folders are going to be written to a layer: they know where the tar has them together. Without,
   * that is found out for later builds, while this one goes on
   * @throws LAYER_INVALID as LayerBuilder does
   */
  async of(tar: IndexedTar, { isWritten }: { readonly isWritten: boolean }): Promise<Directory> {
    const known = await this.#read(tar)
    if (known !== undefined) return known
    const tree = layerOfTar(tar)
    if (!isWritten) {
      this.#later(this.#keep(tar, tree))
      return tree
    }
    const stretches = orNone(() => stretchesOf(tree, tar.file))
    // Whoever needs the bytes will say that they are not.
    if (!tar.file.isUseRight()) return tree
    const body = writeTree(tree, stretches)
    this.#later(this.#write(tar.diffId, body))
    return readTree(body, tar.file)
  }

  /** Waits for what is still being written. */
  async close(): Promise<void> {
    await Promise.all(this.#writing)
  }

  /** undefined when there is none, or none that can be read: it is written over then. */
  async #read({ diffId, file }: IndexedTar): Promise<Directory | undefined> {
    const bytes = await readFile(treePath(this.#folder, diffId)).catch(() => undefined)
    if (bytes === undefined) return undefined
    try {
      const body = decodeTree(bytes, diffId)
      return body && readTree(body, file)
    } catch (error) {
      if (error instanceof OcibakeError) return undefined
      throw error
    }
  }

  /** Without it the next build makes it anew, as this one did. */
  #later(writing: Promise<void>): void {
    this.#writing.push(writing.catch(() => {}))
  }

  async #keep({ diffId, file }: IndexedTar, tree: Directory): Promise<void> {
    const stretches = await stretchesBeside(tree, file).catch(noneFor)
    if (file.isUseRight()) await this.#write(diffId, writeTree(tree, stretches))
  }

  async #write(diffId: Digest, body: Buffer): Promise<void> {
    const file = await TempFile.create(this.#session.newPath('tree'))
    try {
      await file.write(encodeBlobIndex(VERSION, diffId, body))
      await file.commit(treePath(this.#folder, diffId))
    } finally {
      await file.discard()
    }
  }
}

type Stretches = ReturnType<typeof stretchesOf>

function orNone(find: () => Stretches): Stretches {
  try {
    return find()
  } catch (error) {
    return noneFor(error)
  }
}

/** None of a layer that could not be written again. */
function noneFor(error: unknown): Stretches {
  if (error instanceof OcibakeError) return new Map()
  throw error
}

/**
 * The bytes for `readTree`; undefined for another version.
 * @throws STORE_CORRUPT for bytes that were not written for this layer
 */
export function decodeTree(bytes: Buffer, diffId: Digest): Buffer | undefined {
  return decodeBlobIndex(bytes, VERSION, diffId, 'tree')
}
