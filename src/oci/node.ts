import type { Content } from './content.ts'
import type { ByteString } from './name.ts'

/**
 * One layer of a root filesystem as an immutable value, or what layers add up to. Nothing here is ever changed in
 * place: a change makes a new node, and every directory above it anew, so that "the same object" means "untouched".
 * Two names that hold one and the same File, Symlink or Special object are hard links of each other.
 */
export type Node = Directory | File | Symlink | Special | Link | Whiteout

export interface Attrs {
  /** Permission bits with setuid, setgid and sticky: 0..0o7777. */
  readonly mode: number
  /** 0..2^32-2, as chown(2) takes them. */
  readonly uid: number
  readonly gid: number
  /** Whole seconds since 1970 UTC; may be negative. */
  readonly mtime: number
  /** Name -> value, both bytes; in the layer as PAX `SCHILY.xattr.*`. */
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>
}

export interface Directory {
  readonly kind: 'directory'
  /** null: "must exist; keep what is there", and over a symlink to a directory: follow it. Never null in a Tree. */
  readonly attrs: Attrs | null
  /** Hides what lower layers have in this directory. Never true in a Tree. */
  readonly opaque: boolean
  /** Those of a layer of the store may be read when somebody looks at them: see LateChildren. */
  readonly children: ReadonlyMap<ByteString, Node>
}

export interface File {
  readonly kind: 'file'
  readonly attrs: Attrs
  readonly content: Content
}

export interface Symlink {
  readonly kind: 'symlink'
  /** The mode is always 0o777: Linux has no other. */
  readonly attrs: Attrs
  readonly target: ByteString
}

export interface Special {
  readonly kind: 'special'
  readonly attrs: Attrs
  readonly type: 'character' | 'block' | 'fifo'
  /** Device numbers; 0 for a fifo. */
  readonly major: number
  readonly minor: number
}

/** Only in a layer: a hard link to a file that the layers below have at `target`, a path from the root. */
export interface Link {
  readonly kind: 'link'
  readonly target: ByteString
  /** What the archive says of the linked file: tools that unpack set it again on the file that both names share. */
  readonly attrs?: Attrs
}

/** Only in a layer: the name is gone. */
export interface Whiteout {
  readonly kind: 'whiteout'
}

/** Anything with a mode and owner of its own that is no directory. */
export type Leaf = File | Symlink | Special

/** A directory to which every layer was applied: no whiteout, no opaque mark, no Link, and attrs everywhere. */
export type Tree = Directory & { readonly attrs: Attrs; readonly opaque: false }

export const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map()

/** What a directory gets that nobody described: 0755, root, 1970. */
export const FRESH_DIRECTORY: Attrs = { mode: 0o755, uid: 0, gid: 0, mtime: 0, xattrs: NO_XATTRS }

export const WHITEOUT: Whiteout = { kind: 'whiteout' }

const NO_CHILDREN: ReadonlyMap<ByteString, Node> = new Map()

/** The tree of `scratch`. */
export const EMPTY: Tree = { kind: 'directory', attrs: FRESH_DIRECTORY, opaque: false, children: NO_CHILDREN }

export function directory(
  children: ReadonlyMap<ByteString, Node> = NO_CHILDREN,
  attrs: Attrs | null = null,
  opaque = false,
): Directory {
  return { kind: 'directory', attrs, opaque, children }
}

export function sameAttrs(a: Attrs, b: Attrs): boolean {
  if (a === b) return true
  return (
    a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.mtime === b.mtime && sameXattrs(a.xattrs, b.xattrs)
  )
}

/** Whether two sets of attributes have the same names with the same bytes. */
export function sameXattrs(a: Attrs['xattrs'], b: Attrs['xattrs']): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [name, value] of a) {
    const other = b.get(name)
    if (other === undefined || Buffer.compare(value, other) !== 0) return false
  }
  return true
}
