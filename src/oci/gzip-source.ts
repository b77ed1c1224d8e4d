import type { SliceFile } from './content.ts'
import type { GzipBlocks } from './gzip-blocks.ts'

/** A raw tar of which contents of a tree are slices, and the gzip blob that it came in. Both are in the store. */
export interface GzipSource {
  /** The same object that the slices have. */
  readonly file: SliceFile
  readonly blob: SliceFile
  /** Bytes of the blob. */
  readonly blobSize: number
  readonly blocks: GzipBlocks
}
