/**
 * The mtime of what has no meaningful one: files of a checkout, generated files, folders nobody described. It lies
 * past every real time, so that it becomes the image's `created` when times are clamped, at whatever that is set.
 * Laying out a tree and finishing it both clamp; it never reaches a disk or a layer.
 */
export const UNDATED = Number.MAX_SAFE_INTEGER
