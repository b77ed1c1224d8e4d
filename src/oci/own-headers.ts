import { type Content, Slice, type SliceFile } from './content.ts'
import { FileWindow } from './file-window.ts'
import type { ByteString } from './name.ts'
import { sameXattrs } from './node.ts'
import { isZero } from './plain-header.ts'
import type { EntryType } from './tar-entry.ts'
import { BLOCK, type HeaderFields, padding } from './tar-header.ts'
import { type PeekedMember, peekMember } from './tar-peek.ts'

/** A header that a raw tar has itself: `bytes` are what it has from `offset` on. */
export interface OwnHeader {
  readonly file: SliceFile
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Where the last member ended in a raw tar: its bytes, or its header if it has none. */
interface Place {
  readonly file: SliceFile
  readonly end: number
}

/**
 * Finds the headers with which raw tars have the very members that are written one after another, so that neighbours
 * there which nobody touched are the same bytes in the new archive, and together. It is a header of the tar only where the
 * member before it ended there, and where all readers see in it just what the member is; that, and not which tar it is or
 * what else is in it, is what makes it safe to take. A result depends on the members so far and on the tars' bytes alone.
 * Costs at most a system call or two a member, and 64 KiB.
 */
export class OwnHeaders {
  readonly #tars: ReadonlySet<SliceFile>
  readonly #window = new FileWindow()
  #place: Place | undefined

  constructor(tars: readonly SliceFile[]) {
    this.#tars = new Set(tars)
    const [file] = tars
    // Many archives begin with the root, and so does every tree.
    if (file !== undefined) this.#place = { file, end: 0 }
  }

  /** The tar's own header of the next member, if it has one. Members have to come in the order of the new archive. */
  next(fields: HeaderFields, content: Content | undefined): OwnHeader | undefined {
    const place = this.#place
    const found = place === undefined ? undefined : this.#headerAt(place, fields, content)
    if (content instanceof Slice && content.size > 0 && content.offset % BLOCK === 0 && this.#tars.has(content.file)) {
      this.#place = { file: content.file, end: content.offset + content.size }
    } else {
      this.#place = found === undefined ? undefined : { file: found.file, end: found.offset + found.bytes.length }
    }
    return found
  }

  #headerAt({ file, end }: Place, fields: HeaderFields, content: Content | undefined): OwnHeader | undefined {
    const start = end + padding(end).length
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
