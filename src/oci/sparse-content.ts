import { type Content, Slice, type SliceFile } from './content.ts'
import type { DataExtent } from './tar-entry.ts'

/** Shared by all holes: whoever reads a content must not change its chunks. */
const ZEROS = new Uint8Array(1 << 16)

/** A file of which only the extents are stored, in ascending order; everything between them is zeros. */
export class SparseContent implements Content {
  readonly file: SliceFile
  readonly size: number
  readonly extents: readonly DataExtent[]

  constructor(file: SliceFile, size: number, extents: readonly DataExtent[]) {
    this.file = file
    this.size = size
    this.extents = extents
  }

  async *open(): AsyncGenerator<Uint8Array> {
    let at = 0
    for (const extent of this.extents) {
      yield* zeros(extent.at - at)
      yield* new Slice(this.file, extent.offset, extent.size).open()
      at = extent.at + extent.size
    }
    yield* zeros(this.size - at)
  }
}

function* zeros(size: number): Generator<Uint8Array> {
  for (let left = size; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left)
}
