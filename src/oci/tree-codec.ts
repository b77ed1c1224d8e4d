import type { EntryType } from './tar-entry.ts'

/**
 * How the tree of a layer is written: folders, each as the number of its nodes, their names in one and the nodes, behind
 * all that they refer to by its place. A node is its flags and how long its name is; the place of its attributes, if they
 * are not those of the node before; then, by its kind, what is below.
 *
 * - directory: the place of its folder; of one that IS_TOGETHER where its stretch starts, and its size
 * - file: its size; unless that is 0, its extents as offset from the end of the data before, place in the file and size
 *   (of a WHOLE one the offset alone)
 * - link, symlink: its target; device: major and minor
 * - SHARED: a number that all names of the leaf have
 *
 * Attributes are mode, uid, gid, seconds and xattrs. The last node is the root's; the last six bytes are its place.
 */
export const KINDS: readonly (EntryType | 'whiteout')[] = [
  'file',
  'link',
  'symlink',
  'character',
  'block',
  'directory',
  'fifo',
  'whiteout',
]
export const KIND_MASK = 0b111
/** The attributes are those of the node before it in its folder. */
export const SAME_ATTRS = 1 << 3
/** It has no attributes: an implied directory, some links. */
export const NO_ATTRS = 1 << 4
/** Of a file: its bytes are one piece. Of a directory: it is opaque. */
export const WHOLE = 1 << 5
export const OPAQUE = WHOLE
/** Of a leaf: it has more names. */
export const SHARED = 1 << 6
/** Of a file: its data begins before the end of the data before it. */
export const BACKWARDS = 1 << 7
/** Of a directory: see FolderFacts. */
export const IS_APPLIED = 1 << 6
export const HAS_LINKS = 1 << 7
export const HAS_BYTES = 1 << 8
export const IS_TOGETHER = 1 << 9
/** Of attributes. */
export const BEFORE_1970 = 1
export const XATTRS = 2
/** They are FRESH_DIRECTORY itself, which is more than to be equal to it. */
export const UNDESCRIBED = 4

/** Bytes of a place that stands behind all else. */
export const PLACE = 6
