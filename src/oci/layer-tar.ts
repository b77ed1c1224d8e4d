import { OcibakeError } from '../errors.ts'
import type { Content, Slice, SliceFile } from './content.ts'
import { type ByteString, display } from './name.ts'
import { type Attrs, type Directory, FRESH_DIRECTORY, type Leaf, type Link, NO_XATTRS, type Node } from './node.ts'
import { OwnHeaders } from './own-headers.ts'
import type { EntryType } from './tar-entry.ts'
import { END_OF_ARCHIVE, encodeEntry, type HeaderFields, padding } from './tar-header.ts'
import { hardLinks, walk } from './walk.ts'
import { OPAQUE_NAME, WHITEOUT_PREFIX } from './whiteout-name.ts'

/** A member of a layer's archive: its header, extended headers included, and what follows it. */
export interface TarMember {
  readonly path: ByteString
  /** Shared with nobody, but never to be changed. */
  readonly header: Uint8Array
  /** Where a raw tar has the very bytes of the header. */
  readonly headerFrom?: { readonly file: SliceFile; readonly offset: number }
  /** Of a file. Its bytes are padded to whole blocks. */
  readonly content?: Content
  /** The content, when it is a raw tar's, and under the same name there: what alone may decide about bytes of a layer. */
  readonly contentFrom?: Slice
}

const MARK: Attrs = { mode: 0, uid: 0, gid: 0, mtime: 0, xattrs: NO_XATTRS }
/** What a Link gets that does not know what it links to. */
const UNKNOWN: Attrs = { ...FRESH_DIRECTORY, mode: 0o644 }

/** What a member says, before it is bytes. */
interface Described {
  readonly fields: HeaderFields
  readonly content?: Content
}

/**
 * A layer as the members of its tar: names in byte order, parents before what is in them, the root as './' when it has
 * attributes; implied directories are left out. Of names that share one object the first has it, the others are hard
 * links to that one, with its attributes and xattrs again, because containerd sets them with every link.
 *
 * `tars` are raw tars that contents of the layer are slices of. A member that one of them has just as it is, and right
 * behind the member before it, gets that tar's header; any other one that of `encodeEntry`.
 * Deterministic: the same tree and tars give the same members. Of the tars headers are read. Source: image-spec layer.md.
 * @throws LAYER_INVALID and PATH_INVALID for what no layer can say: names that are whiteout marks, an implied directory
 * with nothing in it, a hard link to a lower file that this layer hides
 */
export function* layerMembers(layer: Directory, tars: readonly SliceFile[] = []): Generator<TarMember> {
  const own = new OwnHeaders(tars)
  for (const { fields, content } of describedMembers(layer)) {
    const found = own.next(fields, content)
    yield {
      path: fields.path,
      header: found.header?.bytes ?? encodeEntry(fields),
      ...(found.header && { headerFrom: found.header }),
      ...(content && { content }),
      ...(found.content && { contentFrom: found.content }),
    }
  }
}

function* describedMembers(layer: Directory): Generator<Described> {
  const shared = hardLinks(layer)
  if (layer.attrs !== null) yield member('./', 'directory', layer.attrs)
  if (layer.opaque) yield member(OPAQUE_NAME, 'file', MARK)
  for (const [path, node] of walk(layer)) {
    checkName(path)
    const [first] = shared.get(node) ?? []
    if (first !== undefined && first !== path && isLeaf(node)) {
      yield member(path, 'link', node.attrs, { target: first })
    } else {
      yield* membersOf(layer, path, node)
    }
  }
}

/**
 * The uncompressed tar of a layer: its members, and the end of the archive. Contents are opened one after the other,
 * chunks pass uncopied: they may be shared with others, never to be changed or transferred.
 * @throws as `layerMembers` and `exactBytes`
 */
export async function* layerBytes(layer: Directory, tars: readonly SliceFile[] = []): AsyncGenerator<Uint8Array> {
  for (const { path, header, content } of layerMembers(layer, tars)) {
    yield header
    if (content === undefined) continue
    yield* exactBytes(path, content)
    const rest = padding(content.size)
    if (rest.length > 0) yield rest
  }
  yield END_OF_ARCHIVE
}

/** The bytes of a content. @throws FILE_CHANGED when they are not just as many as its size */
export async function* exactBytes(path: ByteString, content: Content): AsyncGenerator<Uint8Array> {
  let got = 0
  for await (const bytes of content.open()) {
    got += bytes.byteLength
    if (got > content.size) throw changed(path, `at least ${got}`, content.size)
    yield bytes
  }
  if (got !== content.size) throw changed(path, String(got), content.size)
}

function* membersOf(layer: Directory, path: ByteString, node: Node): Generator<Described> {
  switch (node.kind) {
    case 'directory':
      if (node.attrs !== null) yield member(path, 'directory', node.attrs)
      if (node.opaque) yield member(`${path}/${OPAQUE_NAME}`, 'file', MARK)
      if (node.attrs === null && !node.opaque && node.children.size === 0) {
        throw invalid(path, 'is a directory without attributes and with nothing in it; no layer can say that')
      }
      break
    case 'file': {
      const { attrs, content } = node
      yield { ...member(path, 'file', attrs, { size: content.size }), content }
      break
    }
    case 'symlink':
      yield member(path, 'symlink', node.attrs, { target: node.target })
      break
    case 'special':
      yield member(path, node.type, node.attrs, { major: node.major, minor: node.minor })
      break
    case 'link':
      checkReachable(layer, path, node)
      yield member(path, 'link', node.attrs ?? UNKNOWN, { target: node.target })
      break
    case 'whiteout': {
      const slash = path.lastIndexOf('/') + 1
      yield member(path.slice(0, slash) + WHITEOUT_PREFIX + path.slice(slash), 'file', MARK)
    }
  }
}

function isLeaf(node: Node): node is Leaf {
  return node.kind === 'file' || node.kind === 'symlink' || node.kind === 'special'
}

function member(path: ByteString, type: EntryType, attrs: Attrs, more: Partial<HeaderFields> = {}): Described {
  const { mode, uid, gid, mtime, xattrs } = attrs
  return { fields: { path, type, mode, uid, gid, mtime, xattrs, ...NOTHING_MORE, ...more } }
}

const NOTHING_MORE = { size: 0, target: '', major: 0, minor: 0 } as const

function changed(path: ByteString, got: string, want: number): OcibakeError {
  return new OcibakeError('FILE_CHANGED', `/${display(path)} gave ${got} bytes while it was read; wanted ${want}.`, {
    hint: 'Build again when nothing writes to the files of the build.',
  })
}

function checkName(path: ByteString): void {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name === '' || name === '.' || name === '..') {
    throw new OcibakeError('PATH_INVALID', `/${display(path)} cannot be in a layer: '${name}' is no name.`)
  }
  if (name.startsWith(WHITEOUT_PREFIX)) {
    throw invalid(path, `cannot be in a layer: a name that starts with '${WHITEOUT_PREFIX}' deletes another one there`)
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

function invalid(path: ByteString, fault: string): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `/${display(path)} ${fault}.`)
}
