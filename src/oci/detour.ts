import type { ByteString } from './name.ts'
import { type Directory, directory, type Node } from './node.ts'
import { namesOf } from './tree-paths.ts'

/** A directory of a layer that has to be laid somewhere else, because a symlink stands where it would go. */
export interface Detour {
  /** Canonical: see `resolvePath`. */
  readonly at: ByteString
  readonly layer: Directory
}

/** Names of a path beyond which a detour is left alone: all its prefixes are looked at. */
const DEEP = 64

/**
 * The same detours, in their order, in groups of which each can be laid at once: nobody's result is another's way. One by
 * one, thousands of them into one folder would copy it as often.
 */
export function* detourGroups(detours: readonly Detour[]): Generator<Detour[]> {
  let group: Detour[] = []
  let leaves = new Set<ByteString>()
  let folders = new Set<ByteString>()
  for (const detour of detours) {
    const made = [...detour.layer.children.keys()].map((name) => (detour.at === '' ? name : `${detour.at}/${name}`))
    const way = isPlain(detour) ? prefixesOf(detour.at) : undefined
    const fits = way?.every((path) => !leaves.has(path)) === true && made.every((path) => !folders.has(path))
    if (!fits) {
      if (group.length > 0) yield group
      group = []
      leaves = new Set()
      folders = new Set()
    }
    group.push(detour)
    if (way === undefined) {
      yield group
      group = []
      continue
    }
    for (const path of way) folders.add(path)
    for (const path of made) leaves.add(path)
  }
  if (group.length > 0) yield group
}

/** All of a group as one layer of implied directories. */
export function groupLayer(group: readonly Detour[]): Directory {
  const root = new Map<ByteString, Node>()
  const places = new Map([['', root]])
  for (const { at, layer } of group) {
    let [children, path] = [root, '']
    for (const name of namesOf(at)) {
      path = path === '' ? name : `${path}/${name}`
      const known = places.get(path) ?? new Map<ByteString, Node>()
      if (!places.has(path)) {
        places.set(path, known)
        children.set(name, directory(known))
      }
      children = known
    }
    for (const [name, node] of layer.children) children.set(name, node)
  }
  return directory(root)
}

/** Whether it does nothing but put files somewhere. */
function isPlain({ at, layer }: Detour): boolean {
  if (layer.attrs !== null || layer.opaque || namesOf(at).length > DEEP) return false
  return layer.children.values().every(({ kind }) => kind === 'file' || kind === 'symlink' || kind === 'special')
}

/** A path and all above it but the root. */
function prefixesOf(at: ByteString): ByteString[] {
  const names = namesOf(at)
  return names.map((_, i) => names.slice(0, i + 1).join('/'))
}
