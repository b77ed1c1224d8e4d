import { OcibakeError } from '../errors.ts'
import type { Content, Slice, SliceFile } from './content.ts'
import { LinkedNames } from './linked-names.ts'
import { type ByteString, display } from './name.ts'
import {
  type Attrs,
  type Directory,
  type File,
  FRESH_DIRECTORY,
  type Leaf,
  type Link,
  NO_XATTRS,
  type Node,
} from './node.ts'
import { OwnHeaders } from './own-headers.ts'
import type { EntryType } from './tar-entry.ts'
import { encodeEntry, type HeaderFields } from './tar-header.ts'
import { Walk } from './walk.ts'
import { OPAQUE_NAME, WHITEOUT_PREFIX } from './whiteout-name.ts'

/** A member of a layer's archive: its header, extended headers included, and what follows it. */
export interface TarMember {
  readonly path: ByteString
  /** Shared with nobody, but never to be changed. */
  readonly header: Uint8Array
  /** Where a raw tar has the very bytes of the header. */
  readonly headerFrom?: { readonly file: SliceFile; readonly offset: number } | undefined
  /** Of a file. Its bytes are padded to whole blocks. */
  readonly content?: Content | undefined
  /** The content, when it is a raw tar's, and under the same name there: what alone may decide about bytes of a layer. */
  readonly contentFrom?: Slice | undefined
}

const MARK: Attrs = { mode: 0, uid: 0, gid: 0, mtime: 0, xattrs: NO_XATTRS }
/** What a Link gets that does not know what it links to. */
const UNKNOWN: Attrs = { ...FRESH_DIRECTORY, mode: 0o644 }

/** Members that a raw tar has one behind another, just as a layer has them. */
export interface TarStretch {
  /** From the first header to the end of the last content, without its padding. */
  readonly raw: Slice
  members(): Iterable<TarMember>
}

/**
 * A layer as the members of its tar: names in byte order, parents before what is in them, the root as './' when it has
 * attributes; implied directories are left out. Of names that share one object the first has it, the others are hard
 * links to that one, with its attributes and xattrs again, because containerd sets them with every link.
 * Which these are, `names` knows, of layers that are written one after the other into one tar, too.
 *
 * `tars` are raw tars that contents of the layer are slices of. A member that one of them has just as it is, and right
 * behind the member before it, gets that tar's header; any other one that of `encodeEntry`.
 * Deterministic: the same tree and tars give the same members. Of the tars headers are read. Source: image-spec layer.md.
 * @throws LAYER_INVALID and PATH_INVALID for what no layer can say: names that are whiteout marks, an implied directory
 * with nothing in it, a hard link to a lower file that this layer hides
 */
export function* layerMembers(
  layer: Directory,
  tars: readonly SliceFile[] = [],
  names = new LinkedNames([layer]),
): Generator<TarMember> {
  yield* partsOf(layer, new OwnHeaders(tars), names, none)
}

/** As `layerMembers`; what one of the tars is known to have together (FolderFacts) is not looked at, and comes as one. */
export function layerParts(
  layer: Directory,
  tars: readonly SliceFile[],
  names = new LinkedNames([layer]),
): Generator<TarMember | TarStretch> {
  const own = new OwnHeaders(tars)
  return partsOf(layer, own, names, (folder, path) => {
    const raw = own.below(folder, names.leaves)
    return raw && { raw, members: () => membersIn(folder, path, raw) }
  })
}

/** All below a folder, of which none has a name elsewhere. */
function membersIn(folder: Directory, path: ByteString, { file, offset }: Slice): Generator<TarMember> {
  const context = { layer: folder, own: new OwnHeaders([file], offset), names: new LinkedNames([]) }
  return partsBelow(folder, path, context, none)
}

/** What is taken together of what is in a folder, whose own member was the last. */
type Together<Stretch> = (folder: Directory, path: ByteString) => Stretch | undefined

const none: Together<never> = () => undefined

function* partsOf<Stretch>(
  layer: Directory,
  own: OwnHeaders,
  names: LinkedNames,
  together: Together<Stretch>,
): Generator<TarMember | Stretch> {
  yield* folderMembers(layer, '', own)
  yield* partsBelow(layer, '', { layer, own, names }, together)
}

interface Context {
  readonly layer: Directory
  readonly own: OwnHeaders
  readonly names: LinkedNames
}

function* partsBelow<Stretch>(
  folder: Directory,
  folderPath: ByteString,
  { layer, own, names }: Context,
  together: Together<Stretch>,
): Generator<TarMember | Stretch> {
  for (const at = new Walk(folder, undefined, folderPath); at.next(); ) {
    const { path, node } = at
    checkName(path)
    const first = names.first(node)
    if (node.kind === 'directory') {
      yield* folderMembers(node, path, own)
      const stretch = together(node, path)
      if (stretch === undefined) continue
      at.skip()
      yield stretch
    } else if (first !== undefined && isLeaf(node)) yield member(linkFields(path, first, node.attrs), own)
    else {
      names.met(node, path)
      yield node.kind === 'file'
        ? member(fileFields(path, node), own, node.content)
        : member(otherFields(layer, path, node), own)
    }
  }
}

/** @param path '' is the root, which may be implied with nothing in it */
function* folderMembers(folder: Directory, path: ByteString, own: OwnHeaders): Generator<TarMember> {
  const { attrs, opaque, children } = folder
  if (attrs !== null) yield member(fields(path === '' ? './' : path, 'directory', attrs), own)
  if (opaque) yield member(fields(path === '' ? OPAQUE_NAME : `${path}/${OPAQUE_NAME}`, 'file', MARK), own)
  if (path !== '' && attrs === null && !opaque && children.size === 0) {
    throw invalid(path, 'is a directory without attributes and with nothing in it; no layer can say that')
  }
}

function otherFields(layer: Directory, path: ByteString, node: Exclude<Node, Directory | File>): HeaderFields {
  switch (node.kind) {
    case 'symlink':
      return { ...fields(path, 'symlink', node.attrs), target: node.target }
    case 'special':
      return { ...fields(path, node.type, node.attrs), major: node.major, minor: node.minor }
    case 'link':
      checkReachable(layer, path, node)
      return linkFields(path, node.target, node.attrs ?? UNKNOWN)
    case 'whiteout': {
      const slash = path.lastIndexOf('/') + 1
      return fields(path.slice(0, slash) + WHITEOUT_PREFIX + path.slice(slash), 'file', MARK)
    }
  }
}

function fileFields(path: ByteString, { attrs, content }: File): HeaderFields {
  return fields(path, 'file', attrs, content.size)
}

function linkFields(path: ByteString, target: ByteString, attrs: Attrs): HeaderFields {
  return { ...fields(path, 'link', attrs), target }
}

function fields(path: ByteString, type: EntryType, attrs: Attrs, size = 0): HeaderFields {
  const { mode, uid, gid, mtime, xattrs } = attrs
  return { path, type, mode, uid, gid, mtime, size, target: '', major: 0, minor: 0, xattrs }
}

function member(fields: HeaderFields, own: OwnHeaders, content?: Content): TarMember {
  const found = own.next(fields, content)
  const { path } = fields
  const header = found.header?.bytes ?? encodeEntry(fields)
  return { path, header, headerFrom: found.header, content, contentFrom: found.content }
}

function isLeaf(node: Node): node is Leaf {
  return node.kind === 'file' || node.kind === 'symlink' || node.kind === 'special'
}

function checkName(path: ByteString): void {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name === '' || name === '.' || name === '..') {
    throw new OcibakeError('PATH_INVALID', `/${display(path)} cannot be in a layer: '${name}' is no name.`)
  }
  if (name.startsWith(WHITEOUT_PREFIX)) {
    const fault = `cannot be in a layer: a name that starts with '${WHITEOUT_PREFIX}' deletes another one there`
    throw invalid(path, fault, 'See which step makes it, and give it another name there.')
  }
}

/** Whoever unpacks goes member by member, so a lower file that this layer hides may be gone when its link comes. */
function checkReachable(layer: Directory, path: ByteString, link: Link): void {
  let at: Node | undefined = layer
  for (const name of link.target.split('/')) {
    if (at?.kind === 'directory' && !at.opaque) at = at.children.get(name)
    else if (at !== undefined) break
  }
  if (at === undefined) return
  throw invalid(path, `is a hard link to the lower file /${display(link.target)}, which this layer itself hides`)
}

function invalid(path: ByteString, fault: string, hint?: string): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `/${display(path)} ${fault}.`, hint === undefined ? {} : { hint })
}
