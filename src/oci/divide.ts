import { diff } from './diff.ts'
import { type Digest, digestOf } from './digest.ts'
import type { ByteString } from './name.ts'
import { type Attrs, type Directory, directory, EMPTY, type Node, sameAttrs, type Tree } from './node.ts'

/** A part of a tree. Applied one after the other, all of its sections are the tree. */
export interface Section {
  /** Folders that an earlier section has are implied in it, and no other name is in two of them. */
  readonly layer: Directory
  /**
   * Decides the section, together with the tree that was below and the sections before: two with the same one are the same.
   * undefined: only its members say what it is.
   */
  readonly mark?: Digest
}

/**
 * Divides a tree by what it has of the one below: first what is untouched, with all folders above it; then what is as it
 * was, but in folders with other attributes; last what is new. What a layer starts with is the same bytes so from build to
 * build, as long as the same is changed. Names of one file are in one section, unless they are the same as below.
 * Deterministic: what the trees are decides, not how they were made. Sections with nothing in them are left out.
 */
export function divide(below: Tree, to: Tree): Section[] {
  if (below.children.size === 0) return [{ layer: diff(EMPTY, to) }]
  const changes = new Changes()
  const found = divided(below, diff(below, to), '', false, changes)
  return [...section(found.untouched, changes.untouched), ...section(found.kept, changes.kept), ...section(found.news)]
}

function section(layer: Directory | undefined, changes?: string[]): Section[] {
  if (layer === undefined) return []
  return [changes === undefined ? { layer } : { layer, mark: digestOf(changes.sort().join('\0')) }]
}

/** What the two first sections have not, or otherwise. */
class Changes {
  readonly untouched: string[] = []
  readonly kept: string[] = []
}

interface Divided {
  readonly untouched: Directory | undefined
  readonly kept: Directory | undefined
  readonly news: Directory | undefined
}

/** What is in one folder of each. */
type Parts = Readonly<Record<keyof Divided, Map<ByteString, Node>>>

/** @param isInside whether the folder is in one with other attributes */
function divided(below: Directory, change: Directory, path: ByteString, isInside: boolean, changes: Changes): Divided {
  const attrs = change.attrs ?? below.attrs!
  const isOther = !sameAttrs(below.attrs!, attrs)
  const isKept = isInside || isOther
  if (isOther) changes.kept.push(describe(path, attrs))
  if (isKept && !isInside) changes.untouched.push(path)
  const parts: Parts = { untouched: new Map(), kept: new Map(), news: new Map() }
  // No callback: paths lead through 2047 folders, and one call for each is what the stack has room for.
  for (const [name, node] of below.children) {
    const changed = change.children.get(name)
    if (changed === undefined) (isKept ? parts.kept : parts.untouched).set(name, node)
    else if (node.kind === 'directory' && changed.kind === 'directory') {
      put(parts, name, divided(node, changed, join(path, name), isKept, changes))
    } else (isKept ? changes.kept : changes.untouched).push(join(path, name))
  }
  addNews(parts.news, below, change)
  return {
    untouched: isKept ? undefined : directory(parts.untouched, attrs),
    kept: isKept ? directory(parts.kept, attrs) : implied(parts.kept),
    news: implied(parts.news),
  }
}

function put(parts: Parts, name: ByteString, { untouched, kept, news }: Divided): void {
  if (untouched !== undefined) parts.untouched.set(name, untouched)
  if (kept !== undefined) parts.kept.set(name, kept)
  if (news !== undefined) parts.news.set(name, news)
}

function addNews(news: Map<ByteString, Node>, below: Directory, change: Directory): void {
  change.children.forEach((node, name) => {
    const isShared = node.kind === 'directory' && below.children.get(name)?.kind === 'directory'
    if (node.kind !== 'whiteout' && !isShared) news.set(name, node)
  })
}

/** A folder for what is in it; none when that is nothing. */
function implied(children: ReadonlyMap<ByteString, Node>): Directory | undefined {
  return children.size === 0 ? undefined : directory(children)
}

function join(path: ByteString, name: ByteString): ByteString {
  return path === '' ? name : `${path}/${name}`
}

/** Unlike every path, and unlike those of other attributes. */
function describe(path: ByteString, { mode, uid, gid, mtime, xattrs }: Attrs): string {
  const named = Array.from(xattrs, ([name, value]) => [name, Buffer.from(value).toString('hex')])
  return `/${path}/${JSON.stringify([mode, uid, gid, mtime, named.sort()])}`
}
