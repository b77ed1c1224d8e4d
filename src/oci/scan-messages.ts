import type { Digest } from './digest.ts'
import type { GzipBlocks } from './gzip-blocks.ts'
import type { UnpackOrder, WrittenTar } from './inflated-tar.ts'
import type { ThreadFailure } from './thread-failure.ts'

/** What there is of a file now. The first time, it begins the scan of that number. */
export interface ScanNews {
  readonly scan: number
  /** Is kept open until the answer has come. */
  readonly descriptor: number
  /** Bytes that may be read. */
  readonly size: number
  readonly state: 'growing' | 'whole' | 'gone'
  /** The sha256 of the file is wanted, too. */
  readonly hashed?: boolean
  /** What it holds is wanted as a raw tar. */
  readonly unpack?: UnpackOrder | undefined
}

/** The one answer to a scan, when its file is read as far as it goes, or gone. */
export interface ScanAnswer extends Partial<ScanFailure> {
  readonly scan: number
  /** undefined: nothing was found that can be used. */
  readonly blocks?: GzipBlocks | undefined
  /** sha256 in hex. */
  readonly sha256?: string | undefined
  /** If it was to be unpacked, and summed up. */
  readonly tar?: { readonly diffId: Digest; readonly index: Uint8Array } | undefined
  /** If it was to be unpacked alone. */
  readonly raw?: WrittenTar | undefined
}

/** Why there is no answer. */
export interface ScanFailure {
  readonly failure: ThreadFailure
  /** The first bytes of what was unpacked before, and how many those were. */
  readonly head: Uint8Array | undefined
  readonly written: number | undefined
}

/** What comes before the answer of a scan whose tar is summed up by somebody else. */
export interface ScanProgress {
  readonly scan: number
  /** Bytes of the tar that can be read. */
  readonly wrote: number
}
