import type { StoreBlobs } from './store-blobs.ts'
import type { StoreBlocks } from './store-blocks.ts'
import type { StoreLayers } from './store-layers.ts'
import type { StoreRecords } from './store-records.ts'

/** The parts of a store that taking in needs. */
export interface Shelves {
  readonly blobs: StoreBlobs
  readonly blocks: StoreBlocks
  readonly layers: StoreLayers
  readonly records: StoreRecords
}
