import { OcibakeError } from '../errors.ts'
import { type Content, EMPTY_CONTENT, Slice, type SliceFile } from './content.ts'
import { Folder, finishFolder, folderAt, locate } from './layer-folder.ts'
import { type ByteString, display } from './name.ts'
import { type Attrs, type Directory, FRESH_DIRECTORY, type Leaf, type Link } from './node.ts'
import { SparseContent } from './sparse-content.ts'
import type { TarEntry } from './tar-entry.ts'
import { meaningOf } from './whiteout-name.ts'

/** As long as Linux has them: PATH_MAX without its NUL. */
const TARGET_LIMIT = 4095

/** The bytes of a member of the raw tar `file`: nothing is read before the content is opened. */
export function entryContent(file: SliceFile, entry: TarEntry): Content {
  if (entry.size === 0) return EMPTY_CONTENT
  const [first] = entry.data
  if (first?.size === entry.size) return new Slice(file, first.offset, first.size)
  return new SparseContent(file, entry.size, entry.data)
}

/**
 * Makes one layer's tree of its archive's members, in the order in which they come (image-spec layer.md).
 *
 * A later member replaces an earlier one, with all below it; a directory over a directory gives it new attributes and
 * keeps what is inside. Names are taken as in a chroot: '..' ends at the root, parents that are symlinks of this layer
 * are followed, parents that are missing become implied directories. Whiteouts hide lower layers only, wherever they
 * stand. Nothing of the host is looked at. Members of the same mode, owner and time share their Attrs.
 *
 * Names beyond 255 bytes and paths beyond 4095 are refused, so that a tree is at most 2048 directories deep.
 */
export class LayerBuilder {
  readonly #root = new Folder('', undefined)
  readonly #attrs = new Map<string, Attrs>()
  // A copy: the object itself says that nobody has described what has it.
  #lastAttrs: Attrs = { ...FRESH_DIRECTORY }
  /** Where the member before this one went: most have the same text before their last name, and so the same folder. */
  #near: { readonly prefix: ByteString; readonly folder: Folder } | undefined

  /**
   * Adds the next member; `content` is asked for files only.
   * @throws LAYER_INVALID for odd whiteouts, a root that is no directory, a parent that is a file, a loop of symlinks,
   * a hard link to a directory or itself, and names and targets that are too long
   */
  add(entry: TarEntry, content: (entry: TarEntry) => Content): void {
    const near = this.#near
    const beside = near === undefined ? undefined : nameBehind(near.prefix, entry.path)
    if (near !== undefined && beside !== undefined) {
      this.#put(near.folder, beside, entry, content)
      return
    }
    const names = cleanNames(entry.path)
    const meaning = meaningOf(names)
    if (meaning.kind === 'aufs') return
    const name = names.pop()
    if (name === undefined) {
      if (entry.type !== 'directory') throw invalid(entry, `is a ${entry.type} in the place of the root directory`)
      this.#root.attrs = this.#attrsOf(entry)
      return
    }
    const parent = folderAt(locate(this.#root, names))
    if (meaning.kind === 'opaque') parent.opaque = true
    else if (meaning.kind === 'whiteout') parent.hide(meaning.name)
    else {
      this.#near = {
        prefix: entry.path.slice(0, entry.path.lastIndexOf('/', entry.path.length - 2) + 1),
        folder: parent,
      }
      this.#put(parent, name, entry, content)
    }
  }

  /** The layer. The builder is used up by it. */
  finish(): Directory {
    return finishFolder(this.#root)
  }

  #put(parent: Folder, name: ByteString, entry: TarEntry, content: (entry: TarEntry) => Content): void {
    const there = parent.children.get(name)
    // What is replaced may have been on the way.
    if (there !== undefined && !(there instanceof Folder && entry.type === 'directory')) this.#near = undefined
    if (entry.type === 'directory') parent.folder(name).attrs = this.#attrsOf(entry)
    else parent.put(name, entry.type === 'link' ? this.#linked(entry, parent, name) : this.#leaf(entry, content))
  }

  #leaf(entry: TarEntry, content: (entry: TarEntry) => Content): Leaf {
    const attrs = this.#attrsOf(entry)
    const { type, target, major, minor } = entry
    if (type === 'character' || type === 'block' || type === 'fifo')
      return { kind: 'special', attrs, type, major, minor }
    if (type !== 'symlink') return { kind: 'file', attrs, content: content(entry) }
    if (target === '') throw invalid(entry, 'is a symlink to nothing')
    checkTarget(entry)
    return { kind: 'symlink', attrs, target }
  }

  /** What a hard link names: the same object when this layer has it, so that identity says which names share a file. */
  #linked(entry: TarEntry, parent: Folder, name: ByteString): Leaf | Link {
    const names = cleanNames(entry.target)
    const last = names.pop()
    const { folder, missing } = locate(this.#root, names)
    const found = missing.length === 0 && last !== undefined ? folder.children.get(last) : undefined
    if (last === undefined || found instanceof Folder) {
      throw invalid(entry, `is a hard link to '${display(entry.target)}', which is a directory`)
    }
    if (missing.length === 0 && folder === parent && last === name) throw invalid(entry, 'is a hard link to itself')
    if (found !== undefined) return found
    checkTarget(entry)
    const target = [folder.path, ...missing, last].filter((step) => step !== '').join('/')
    return { kind: 'link', target, attrs: this.#attrsOf(entry) }
  }

  #attrsOf({ type, mode: given, uid, gid, mtime, xattrs }: TarEntry): Attrs {
    const mode = type === 'symlink' ? 0o777 : given
    if (xattrs.size > 0) return { mode, uid, gid, mtime, xattrs }
    const last = this.#lastAttrs
    if (last.mode === mode && last.uid === uid && last.gid === gid && last.mtime === mtime) return last
    const key = `${mode},${uid},${gid},${mtime}`
    let attrs = this.#attrs.get(key)
    if (attrs === undefined) {
      attrs = { mode, uid, gid, mtime, xattrs }
      this.#attrs.set(key, attrs)
    }
    this.#lastAttrs = attrs
    return attrs
  }
}

/** What a raw tar says as a layer; contents are slices of it. @throws LAYER_INVALID as LayerBuilder does */
export function layerOfTar({ entries, file }: { entries(): Iterable<TarEntry>; readonly file: SliceFile }): Directory {
  const builder = new LayerBuilder()
  for (const entry of entries()) builder.add(entry, (member) => entryContent(file, member))
  return builder.finish()
}

/** The names of a member's path with '..' taken away as containerd and umoci do it: by name, before any symlink. */
function cleanNames(path: ByteString): ByteString[] {
  const names: ByteString[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return names
}

/**
 * The one plain name that follows `prefix`, which ends in '/', in a path; undefined when there is more or less than that,
 * or what may be no plain name: dots and whiteouts begin with a dot.
 */
function nameBehind(prefix: ByteString, path: ByteString): ByteString | undefined {
  if (prefix === '' || !path.startsWith(prefix)) return undefined
  const slash = path.indexOf('/', prefix.length)
  if (slash >= 0 && slash !== path.length - 1) return undefined
  const name = slash < 0 ? path.slice(prefix.length) : path.slice(prefix.length, slash)
  return name === '' || name.startsWith('.') ? undefined : name
}

function checkTarget(entry: TarEntry): void {
  const { length } = entry.target
  if (length > TARGET_LIMIT) throw invalid(entry, `has a target of ${length} bytes; Linux has at most ${TARGET_LIMIT}`)
}

function invalid(entry: TarEntry, fault: string): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `The layer's member '${display(entry.path.slice(0, 200))}' ${fault}.`)
}
