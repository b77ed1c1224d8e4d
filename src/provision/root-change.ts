import type { ByteString } from '../oci/name.ts'
import type { Directory, Leaf } from '../oci/node.ts'

/** One thing to do in a root. Folders are made without their attributes, which come when nothing is made in them any more. */
export type RootChange =
  | { readonly do: 'remove'; readonly path: ByteString }
  | { readonly do: 'make'; readonly path: ByteString; readonly node: Directory | Leaf }
  | { readonly do: 'link'; readonly path: ByteString; readonly existing: ByteString }
  | { readonly do: 'attrs'; readonly path: ByteString; readonly node: Directory | Leaf }
  | { readonly do: 'xattr'; readonly path: ByteString; readonly name: ByteString; readonly value: Uint8Array }

/** 'real': as on the disk, which needs root. 'recorded': the disk is the builder's, the rest is in records. */
export type Owners = 'real' | 'recorded'

/** How a tree is put on a disk. */
export interface OnDisk {
  readonly owners: Owners
  /** What UNDATED becomes, seconds. */
  readonly newest: number
}

/** An attribute that the file system did not take. */
export interface RefusedXattr {
  readonly path: ByteString
  readonly name: ByteString
  readonly error: string
}
