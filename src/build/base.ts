import type { ImageConfig } from '../oci/config.ts'
import type { SliceFile } from '../oci/content.ts'
import type { Digest } from '../oci/digest.ts'
import type { Layer } from '../oci/layer.ts'
import type { Directory, Tree } from '../oci/node.ts'
import type { IndexedImage } from '../oci/platform.ts'
import type { Reference } from '../oci/reference.ts'
import type { Descriptor } from '../oci/source.ts'

/** What the new image stands on. */
export interface Base {
  /** For people, and `org.opencontainers.image.base.name` where the base has a name that others can look up. */
  readonly name: string
  /** Of the manifest or index that the name was resolved to; undefined for a base without a manifest. */
  readonly digest: Digest | undefined
  readonly config: ImageConfig
  /** The images of the index that the name leads to, this one among them; undefined where it leads to one image. */
  readonly index?: readonly IndexedImage[] | undefined
  /** Digests that decide `tree()`: of its layers, uncompressed, or of what it is unpacked from. Nothing is fetched. */
  readonly contents: readonly Digest[]
  /** What `tree()` is read from, from the lowest to the highest; nothing for a base that comes in no blobs. */
  readonly blobs: readonly Layer[]
  /** When a base in a registry is pushed on: where its blobs are already. */
  readonly reference: Reference | undefined
  /** From the lowest to the highest; making them may cost something, so only `layers: 'append'` asks. */
  layers(): Promise<readonly Layer[]>
  /** The filesystem; layers are fetched on the first call. */
  tree(): Promise<Tree>
  /**
   * Before `tree` is called first: it shall take these trees for layers, by their diffIds, instead of fetching them.
   * Contents of their files are ContentsAbsent then. undefined: it cannot.
   */
  borrow?(outlines: ReadonlyMap<Digest, Directory>): void
  /** The raw tars that files of `tree()` are slices of, from the lowest to the highest, each once. */
  tars(): Promise<readonly SliceFile[]>
  /** Seconds since 1970 UTC, for the image's default time. */
  created(): Promise<number>
  /** The bytes of a base layer's blob, from where the base is: for what the store does not have. */
  openBlob(descriptor: Descriptor, start: number, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Ends what is still under way, and waits for it. */
  close(): Promise<void>
}

/** Seconds of an RFC 3339 time in a config; 0 for none, for one that cannot be read, and for times before 1970. */
export function secondsOf(created: string | undefined): number {
  const milliseconds = Date.parse(created ?? '')
  return Number.isNaN(milliseconds) ? 0 : Math.max(0, Math.floor(milliseconds / 1000))
}
