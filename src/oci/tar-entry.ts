import type { ByteString } from './name.ts'

export type EntryType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo'

/** One member of a tar archive: what its header, extended headers included, says. Nothing is normalised. */
export interface TarEntry {
  /** The name as the archive has it: './', '..', '//' and a trailing '/' included. */
  readonly path: ByteString
  readonly type: EntryType
  /** 0..0o7777. */
  readonly mode: number
  /** 0..2^32-2, as gid. */
  readonly uid: number
  readonly gid: number
  /** Whole seconds since 1970 UTC, fractions rounded towards the past. */
  readonly mtime: number
  /** Bytes of a file, the holes of a sparse one included; 0 for all else. */
  readonly size: number
  /** Of a link (a member's name) or a symlink; '' for all else. */
  readonly target: ByteString
  /** Of a device; 0 for all else. */
  readonly major: number
  readonly minor: number
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>
  /** Where the bytes of a file are, in order; what no extent covers is zeros. */
  readonly data: readonly DataExtent[]
}

/** `size` bytes, at least one, that are at `at` in a file and at `offset` in the archive. */
export interface DataExtent {
  readonly at: number
  readonly offset: number
  readonly size: number
}

/** The type flags that are members, with what they are. '7' is a contiguous file, 'S' an old GNU sparse one. */
export const TYPE_OF_FLAG: ReadonlyMap<string, EntryType> = new Map([
  ['\0', 'file'],
  ['0', 'file'],
  ['1', 'link'],
  ['2', 'symlink'],
  ['3', 'character'],
  ['4', 'block'],
  ['5', 'directory'],
  ['6', 'fifo'],
  ['7', 'file'],
  ['S', 'file'],
])
