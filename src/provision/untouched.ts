import type { ByteString } from '../oci/name.ts'
import { type Directory, sameAttrs, type Tree } from '../oci/node.ts'
import { nodeAt, resolvePath } from '../oci/tree-paths.ts'
import { changeAttrs } from './edit.ts'

/**
 * `after`, whose folder at `path` has its time of `before` when nothing but that differs: files came and went in it, of
 * which nothing is to be seen.
 */
export function untouched(path: ByteString, before: Tree, after: Tree): Tree {
  const place = resolvePath(after, path)
  const [old, now] = place === null ? [] : [nodeAt(before, place), nodeAt(after, place)]
  if (old?.kind !== 'directory' || now?.kind !== 'directory' || old.attrs === null || now.attrs === null) return after
  const { attrs } = old
  if (!sameAttrs({ ...now.attrs, mtime: attrs.mtime }, attrs) || !sameChildren(old, now)) return after
  return changeAttrs(after, [place!], false, () => attrs)
}

function sameChildren(a: Directory, b: Directory): boolean {
  return a.children.size === b.children.size && [...a.children].every(([name, node]) => b.children.get(name) === node)
}
