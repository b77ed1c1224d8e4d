import type { SliceFile } from './content.ts'
import type { Digest } from './digest.ts'
import type { GzipSource } from './gzip-source.ts'
import type { Directory } from './node.ts'

/** Files in the store of which parts may be in a layer as they are. A layer's bytes depend on which there are. */
export interface LayerSources {
  /**
   * Digests that decide the tree below, by which the layer is divided into its sections (Base.contents). The tars do not: a
   * layer that an image has twice is one tar. None: that tree is not known.
   */
  readonly below: readonly Digest[]
  /** Raw tars of the base's layers, the lowest first, whatever they were compressed with; each once. */
  readonly tars: readonly SliceFile[]
  /** At most one for each raw tar. */
  readonly gzips: readonly GzipSource[]
  /** What tarballs laid over the image: under the same name, their contents are theirs. */
  readonly unpacked: readonly Directory[]
}

/** Of a layer that is compressed all anew, with headers of ours. */
export const NO_SOURCES: LayerSources = { below: [], tars: [], gzips: [], unpacked: [] }
