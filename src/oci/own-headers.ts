import { type Content, Slice, type SliceFile } from './content.ts'
import { FileWindow } from './file-window.ts'
import { hasNoneOf, LateChildren } from './late-children.ts'
import type { ByteString } from './name.ts'
import { type Directory, type Node, sameXattrs } from './node.ts'
import { isZero } from './plain-header.ts'
import type { EntryType } from './tar-entry.ts'
import { BLOCK, type HeaderFields, paddingSize } from './tar-header.ts'
import { type PeekedMember, peekMember } from './tar-peek.ts'

/** What a raw tar has of a member. */
export interface Own {
  /** Its header: `bytes` are what the tar has from `offset` on. */
  readonly header?: { readonly file: SliceFile; readonly offset: number; readonly bytes: Uint8Array }
  /** The bytes of its content, as those of a member of the same name. */
  readonly content?: Slice
}

/** Where the last member ended in a raw tar: its bytes, or its header if it has none. */
interface Place {
  readonly file: SliceFile
  readonly end: number
}

const NOTHING: Own = {}
/** How far before a content its first header is looked for: most have one block, long names three to five. */
const BEFORE = 8 * BLOCK

/**
 * Finds the headers with which raw tars have the very members that are written one after another, so that neighbours
 * there which nobody touched are the same bytes in the new archive, and together. It is a header of the tar only where the
 * member before it ended there, and where all readers see in it just what the member is; that, and not which tar it is or
 * what else is in it, is what makes it safe to take.
 *
 * A content is the tar's own only under the name that it has there. Whether a file of another name has the slice or a copy
 * may depend on the disk on which a script ran: a new file gets the inode of a deleted one, or does not.
 *
 * Results depend on the members so far and on the tars' bytes alone. Costs a few system calls a member at most, and 64 KiB.
 */
export class OwnHeaders {
  readonly #tars: ReadonlySet<SliceFile>
  readonly #window = new FileWindow()
  #place: Place | undefined

  /** @param end where in the first tar the member before the first one ended */
  constructor(tars: readonly SliceFile[], end = 0) {
    this.#tars = new Set(tars)
    const [file] = tars
    // Many archives begin with the root, and so does every tree.
    if (file !== undefined) this.#place = { file, end }
  }

  /** What the tars have of all that is in the folder which was the last member: then the next is what follows that. */
  below(folder: Directory, shared: ReadonlySet<Node>): Slice | undefined {
    const { children } = folder
    if (!(children instanceof LateChildren) || children.facts.stretch === undefined) return undefined
    const { offset, size } = children.facts.stretch
    if (this.#place?.file !== children.archive || this.#place.end !== offset) return undefined
    if (!hasNoneOf(shared, folder)) return undefined
    this.#place = { file: children.archive, end: offset + size }
    return new Slice(children.archive, offset, size)
  }

  /** What the tars have of the next member. Members have to come in the order of the new archive. */
  next(fields: HeaderFields, content: Content | undefined): Own {
    if (this.#tars.size === 0) return NOTHING
    const header = this.#place === undefined ? undefined : this.#headerAt(this.#place, fields, content)
    const slice = content instanceof Slice && content.size > 0 && this.#tars.has(content.file) ? content : undefined
    if (slice !== undefined && (header !== undefined || this.#isHome(slice, fields.path))) {
      this.#place = { file: slice.file, end: slice.offset + slice.size }
      return header === undefined ? { content: slice } : { header, content: slice }
    }
    if (header === undefined) {
      this.#place = undefined
      return NOTHING
    }
    this.#place = { file: header.file, end: header.offset + header.bytes.length }
    return { header }
  }

  /** Whether the header that ends where the slice begins is that of a file of this name. */
  #isHome({ file, offset }: Slice, path: ByteString): boolean {
    const from = Math.max(0, offset - BEFORE)
    // All at once: backwards every block would be a system call.
    this.#window.read(file, from, offset - from)
    for (let start = offset - BLOCK; start >= from; start -= BLOCK) {
      const member = peekMember(this.#window, file, start, offset)
      if (member?.end === offset && isNamed(member.path, path, 'file')) return true
    }
    return false
  }

  #headerAt({ file, end }: Place, fields: HeaderFields, content: Content | undefined): Own['header'] {
    const start = end + paddingSize(end)
    // Read together with the padding that it follows: what is between two members has to be the same as well.
    const between = this.#window.read(file, end, start - end + BLOCK)
    if (between === undefined || !isZero(between, 0, start - end)) return undefined
    const member = peekMember(this.#window, file, start)
    if (member === undefined || !says(member, fields)) return undefined
    if (fields.size > 0 && !(content instanceof Slice && content.file === file && content.offset === member.end)) {
      return undefined
    }
    const header = this.#window.read(file, start, member.end - start)
    return header && { file, offset: start, bytes: Buffer.from(header) }
  }
}

function says(member: PeekedMember, fields: HeaderFields): boolean {
  return (
    member.type === fields.type &&
    isNamed(member.path, fields.path, fields.type) &&
    member.size === fields.size &&
    member.mode === fields.mode &&
    member.uid === fields.uid &&
    member.gid === fields.gid &&
    member.mtime === fields.mtime &&
    (fields.type === 'link' ? isNamed(member.target, fields.target, 'file') : member.target === fields.target) &&
    member.major === fields.major &&
    member.minor === fields.minor &&
    sameXattrs(member.xattrs, fields.xattrs)
  )
}

/** Many archives have './' before all names. More than that is not taken away: two readers may not agree on the rest. */
function isNamed(name: ByteString, path: ByteString, type: EntryType): boolean {
  const [at, slash] = [name.startsWith('./') ? 2 : 0, type === 'directory' && name.endsWith('/') ? 1 : 0]
  return name === path || (name.startsWith(path, at) && name.length === at + path.length + slash)
}
