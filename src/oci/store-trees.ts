import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { OcibakeError } from '../errors.ts'
import { decodeBlobIndex, encodeBlobIndex } from './blob-index.ts'
import type { SliceFile } from './content.ts'
import type { Digest } from './digest.ts'
import { INDEX_VERSION } from './layer-index.ts'
import { layerOfTar } from './layer-read.ts'
import type { Directory } from './node.ts'
import type { IndexedTar } from './store-layers.ts'
import { treePath } from './store-paths.ts'
import type { StoreSession } from './store-session.ts'
import { stretchesOf } from './stretches.ts'
import { TempFile } from './temp-file.ts'
import { readTree } from './tree-reader.ts'
import { writeTree } from './tree-writer.ts'

/**
 * Goes up when the format, what LayerBuilder makes of the same members, or which headers OwnHeaders finds changes; other
 * versions are made again.
 */
const VERSION = `${INDEX_VERSION}.4`

/** What raw tars say as layers, beside their indexes: made of those when somebody asks, which is taken by the next build. */
export class StoreTrees {
  readonly #folder: string
  readonly #session: StoreSession
  readonly #writing: Promise<void>[] = []

  constructor(folder: string, session: StoreSession) {
    this.#folder = folder
    this.#session = session
  }

  /** @throws LAYER_INVALID as LayerBuilder does */
  async of(tar: IndexedTar): Promise<Directory> {
    const known = await this.#read(tar)
    if (known !== undefined) return known
    const tree = layerOfTar(tar)
    // Without it the next build makes it anew, as this one did.
    this.#writing.push(this.#write(tar, tree).catch(() => {}))
    return tree
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

  async #write({ diffId, file: tar }: IndexedTar, tree: Directory): Promise<void> {
    // Whoever waits for the tree goes on first.
    await setImmediate()
    const stretches = knownStretches(tree, tar)
    // Whoever needs the bytes will say that they are not.
    if (!tar.isUseRight()) return
    const file = await TempFile.create(this.#session.newPath('tree'))
    try {
      await file.write(encodeBlobIndex(VERSION, diffId, writeTree(tree, stretches)))
      await file.commit(treePath(this.#folder, diffId))
    } finally {
      await file.discard()
    }
  }
}

/** None of a layer that could not be written again. */
function knownStretches(tree: Directory, tar: SliceFile): ReturnType<typeof stretchesOf> {
  try {
    return stretchesOf(tree, tar)
  } catch (error) {
    if (error instanceof OcibakeError) return new Map()
    throw error
  }
}

/**
 * The bytes for `readTree`; undefined for another version.
 * @throws STORE_CORRUPT for bytes that were not written for this layer
 */
export function decodeTree(bytes: Buffer, diffId: Digest): Buffer | undefined {
  return decodeBlobIndex(bytes, VERSION, diffId, 'tree')
}
