import { join } from 'node:path'
import { type Digest, hexOf } from './digest.ts'

/** Where things are in a store. */
export interface StorePaths {
  /** `<hex>`: a blob, by the sha256 of its bytes. */
  readonly blobs: string
  /** `<hex>`: which gzip members the blob of that name has. */
  readonly pieces: string
  /** `<hex>`: where the deflate blocks of the blob of that name are. */
  readonly blocks: string
  /** `<hex>.tar`, a raw tar by the sha256 of its bytes, `<hex>.index`, what is in it, and `<hex>.tree`, the same as a layer. */
  readonly layers: string
  /** `<hex>`: a small record, by its key. */
  readonly records: string
  /** A folder for each store that is open, or was when its process was killed. */
  readonly temporary: string
}

export function storePaths(root: string): StorePaths {
  return {
    blobs: join(root, 'blobs', 'sha256'),
    pieces: join(root, 'pieces'),
    blocks: join(root, 'blocks'),
    layers: join(root, 'layers'),
    records: join(root, 'cache'),
    temporary: join(root, 'tmp'),
  }
}

/** Where the tree of a layer is, in the folder of the layers. */
export function treePath(layers: string, diffId: Digest): string {
  return join(layers, `${hexOf(diffId)}.tree`)
}
