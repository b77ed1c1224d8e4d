import type { GrowingFile } from './growing-file.ts'
import type { Layer } from './layer.ts'
import type { LayerSources } from './layer-sources.ts'
import type { LayerThreads } from './layer-threads.ts'
import type { LayerCompression, MediaTypeFamily } from './layer-type.ts'

export interface WriteLayerOptions {
  readonly compression: LayerCompression
  readonly mediaTypes: MediaTypeFamily
  readonly signal: AbortSignal
  /** Bytes of the raw tar that are made so far; how many there will be is not known before the end. */
  readonly onProgress?: (rawBytes: number) => void
  /** Parts of them are in the layer as they are: they decide its bytes. Default: none. */
  readonly sources?: LayerSources
  /** Started before, for gzip; closed by who has started them. Default: such of its own. */
  readonly threads?: LayerThreads
  /** Gets the layer's file before its first byte, to read it while it grows, and has to close it. */
  readonly onFile?: (file: GrowingFile) => void
}

/** What writing finds out. */
export type WrittenLayer = Omit<Layer, 'mediaType'>
