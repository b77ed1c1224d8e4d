import { OcibakeError } from '../errors.ts'
import { type Content, Slice, type SliceFile } from '../oci/content.ts'
import { type ByteString, display, toBytes } from '../oci/name.ts'
import type { Attrs, Directory, Leaf, Node, Special } from '../oci/node.ts'
import { UNDATED } from './dates.ts'
import { modeOnDisk } from './owner-records.ts'
import type { OnDisk, RootChange } from './root-change.ts'

/** The last second that a Date can hold. */
const LAST_DATE = 8.64e12
/** chown(2): leave it. */
const ANY_ID = 4294967295
const CHUNK = 1 << 16
const PATH_MAX = 4096
const TYPE_LETTER = { character: 'c', block: 'b', fifo: 'p' } as const

/** The time that a node has on disk, seconds. */
export function timeOnDisk({ mtime }: Attrs, { newest }: OnDisk): number {
  return Math.max(-LAST_DATE, Math.min(LAST_DATE, mtime === UNDATED ? newest : mtime))
}

/** The permission bits that a node has on disk. */
export function modeOf(node: Directory | Leaf, { owners }: OnDisk): number {
  const { mode } = node.attrs!
  return owners === 'real' ? mode : modeOnDisk(mode, node.kind === 'directory')
}

/** The files of which the contents below a node are slices. */
export function sourcesIn(node: Node, found = new Set<SliceFile>()): Set<SliceFile> {
  if (node.kind === 'directory') for (const child of node.children.values()) sourcesIn(child, found)
  else if (node.kind === 'file' && isSlice(node.content)) found.add(node.content.file)
  return found
}

/**
 * The request of native/lay-out.c. Nobody has looked yet whether what is copied of `sources` is right: see `checkContents`.
 * @param sources the descriptor that the helper has of each file
 * @throws PATH_INVALID for paths that are too long; what contents throw
 */
export async function* recordsOf(
  root: string,
  changes: Iterable<RootChange>,
  sources: ReadonlyMap<SliceFile, number>,
  options: OnDisk,
): AsyncGenerator<Uint8Array> {
  let text = ''
  for (const change of changes) {
    // Whoever looks at the root from outside needs absolute paths.
    if (root.length + 1 + change.path.length >= PATH_MAX) throw invalidPath(change.path, 'ENAMETOOLONG')
    text += recordOf(change, sources, options)
    const follows = bytesBehind(change)
    if (text.length < CHUNK && follows === undefined) continue
    yield toBytes(text)
    text = ''
    if (follows !== undefined) yield* follows
  }
  yield toBytes(`${text}end\0`)
}

function recordOf(change: RootChange, sources: ReadonlyMap<SliceFile, number>, options: OnDisk): string {
  const { path } = change
  switch (change.do) {
    case 'remove':
      return `remove\0${path}\0`
    case 'link':
      return `link\0${path}\0${change.existing}\0`
    case 'xattr':
      return `xattr\0${path}\0${change.name}\0${change.value.byteLength}\0`
    case 'attrs':
      return attrsRecord(path, change.node, options)
    default:
      return makeRecord(path, change.node, sources, options)
  }
}

function makeRecord(
  path: ByteString,
  node: Directory | Leaf,
  sources: ReadonlyMap<SliceFile, number>,
  options: OnDisk,
): string {
  switch (node.kind) {
    case 'directory':
      return `folder\0${path}\0`
    case 'symlink':
      return `symlink\0${path}\0${ownersAndTime(node.attrs, options)}${node.target}\0`
    case 'file': {
      const { content } = node
      const source = isSlice(content) ? `${sources.get(content.file)}\0${content.offset}` : '-\x000'
      return `file\0${path}\0${modeOf(node, options)}\0${ownersAndTime(node.attrs, options)}${source}\0${content.size}\0`
    }
    default:
      return `${specialRecord(path, node, options)}${attrsRecord(path, node, options)}`
  }
}

/** In the place of devices, which only root can make, stand empty files. */
function specialRecord(path: ByteString, { type, major, minor }: Special, { owners }: OnDisk): string {
  if (owners === 'real' || type === 'fifo') return `node\0${path}\0${TYPE_LETTER[type]}\0${major}\0${minor}\0`
  return `file\0${path}\0${0o600}\0${ANY_ID}\0${ANY_ID}\x000\0-\x000\x000\0`
}

function attrsRecord(path: ByteString, node: Directory | Leaf, options: OnDisk): string {
  return `attrs\0${path}\0${modeOf(node, options)}\0${ownersAndTime(node.attrs!, options)}`
}

function ownersAndTime(attrs: Attrs, options: OnDisk): string {
  const [uid, gid] = options.owners === 'real' ? [attrs.uid, attrs.gid] : [ANY_ID, ANY_ID]
  return `${uid}\0${gid}\0${timeOnDisk(attrs, options)}\0`
}

/** What belongs to a record and is no text. */
function bytesBehind(change: RootChange): Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined {
  if (change.do === 'xattr') return [change.value]
  if (change.do !== 'make' || change.node.kind !== 'file' || isSlice(change.node.content)) return undefined
  return change.node.content.size === 0 ? undefined : exactly(change.path, change.node.content)
}

/** One byte more or less, and the records behind would be read as something else. */
async function* exactly(path: ByteString, content: Content): AsyncGenerator<Uint8Array> {
  let left = content.size
  for await (const chunk of content.open()) {
    left -= chunk.byteLength
    if (left >= 0) yield chunk
  }
  if (left !== 0)
    throw new OcibakeError('INTERNAL', `/${display(path)} has ${content.size - left} bytes; wanted ${content.size}.`)
}

function isSlice(content: Content): content is Slice {
  return content instanceof Slice && content.size > 0
}

/** Of what cannot lie on this disk. */
export function invalidPath(path: ByteString, code: string, cause?: unknown): OcibakeError {
  return new OcibakeError('PATH_INVALID', `/${display(path)} cannot be laid out for a script: ${code}.`, {
    hint: 'Choose another disk with --cache-dir, or remove the path in an earlier step.',
    cause,
  })
}
