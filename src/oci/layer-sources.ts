import type { SliceFile } from './content.ts'
import type { GzipSource } from './gzip-source.ts'

/** Files in the store of which parts may be in a layer as they are. A layer's bytes depend on which there are. */
export interface LayerSources {
  /** Raw tars of the base's layers, the lowest first, whatever they were compressed with; each once. */
  readonly tars: readonly SliceFile[]
  /** At most one for each raw tar. */
  readonly gzips: readonly GzipSource[]
}
