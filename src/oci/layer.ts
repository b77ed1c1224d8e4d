import type { Digest } from './digest.ts'

/** A layer whose bytes exist: what a manifest and a config say of it. */
export interface Layer {
  readonly mediaType: string
  /** Of the bytes as they are stored and sent, compressed. */
  readonly digest: Digest
  /** Bytes as stored and sent. */
  readonly size: number
  /** Of the uncompressed tar: image-spec config.md, `rootfs.diff_ids`. */
  readonly diffId: Digest
}
