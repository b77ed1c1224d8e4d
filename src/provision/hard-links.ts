import { OcibakeError } from '../errors.ts'
import { EntryReader } from '../oci/entry-codec.ts'
import { type ByteString, display } from '../oci/name.ts'
import type { TarEntry } from '../oci/tar-entry.ts'
import { insideDestination, plainPath, stripComponents } from './member-name.ts'

function linkTargets(members: Iterable<TarEntry>): readonly ByteString[] {
  if (members instanceof EntryReader) return members.linkTargets()
  const targets: ByteString[] = []
  for (const { type, target } of members) if (type === 'link') targets.push(target)
  return targets
}

/**
 * Where the hard links of a selection lead. As in GNU tar, a link's target is stripped like a name and means what has
 * that name by then. Where tar gives up ("Cannot hard link to"), because the target was not selected or comes later,
 * the link becomes the file that the archive says it is; further links to that file are links to the first.
 */
export class HardLinks {
  readonly #members: Iterable<TarEntry>
  readonly #archive: string
  readonly #count: number
  /** The names in the destination that links lead to. */
  readonly #targets = new Set<ByteString | undefined>()
  /** What the selection has by now of these names and of links: path in the destination -> entry. */
  readonly #made = new Map<ByteString, TarEntry>()
  /** Member that was not selected -> the link that took its place. */
  readonly #standIns = new Map<TarEntry, TarEntry>()
  #byName: ReadonlyMap<ByteString | undefined, TarEntry> | undefined

  constructor(members: Iterable<TarEntry>, archive: string, count: number) {
    this.#members = members
    this.#archive = archive
    this.#count = count
    for (const target of linkTargets(members)) this.#targets.add(plainPath(stripComponents(target, count)))
  }

  /** `renamed` is `member` with its path in the destination. undefined: a link to itself, which adds nothing. */
  resolve(renamed: TarEntry, member: TarEntry): TarEntry | undefined {
    const entry = renamed.type === 'link' ? this.#link(renamed, member) : renamed
    if (entry !== undefined && (renamed.type === 'link' || this.#isAskedFor(entry.path)))
      this.#made.set(entry.path, entry)
    return entry
  }

  /** Of all others nothing is kept: an archive may have half a million. */
  #isAskedFor(path: ByteString): boolean {
    return this.#targets.has(path) || this.#made.has(path)
  }

  #link(link: TarEntry, member: TarEntry): TarEntry | undefined {
    const target = insideDestination(stripComponents(member.target, this.#count), this.#archive, member.target)
    const made = this.#made.get(target)
    if (made !== undefined && made.type !== 'directory') return target === link.path ? undefined : { ...link, target }

    const meant = this.#memberBehind(member)
    if (meant !== undefined) return this.#standIn(link, meant)
    if (target !== '' && target !== link.path) return { ...link, target }
    throw this.#dangling(member, 'which the archive does not have')
  }

  #standIn(link: TarEntry, meant: TarEntry): TarEntry {
    const first = this.#standIns.get(meant)
    if (first !== undefined && this.#made.get(first.path) === first) return { ...link, target: first.path }
    const standIn: TarEntry = { ...meant, path: link.path }
    this.#standIns.set(meant, standIn)
    return standIn
  }

  /** The member that is no hard link itself at the end of a chain of them. */
  #memberBehind(link: TarEntry): TarEntry | undefined {
    const seen = new Set<TarEntry>()
    let at: TarEntry | undefined = link
    while (at?.type === 'link') {
      if (seen.has(at)) throw this.#dangling(link, 'which leads back to itself')
      seen.add(at)
      at = this.#named(insideDestination(at.target, this.#archive))
    }
    if (at?.type === 'directory') throw this.#dangling(link, 'which is a directory')
    return at
  }

  #named(path: ByteString): TarEntry | undefined {
    this.#byName ??= new Map(Iterator.from(this.#members).map((member) => [plainPath(member.path), member]))
    return this.#byName.get(path)
  }

  #dangling(link: TarEntry, why: string): OcibakeError {
    const message = `${this.#archive}: '${display(link.path)}' is a hard link to '${display(link.target)}', ${why}.`
    return new OcibakeError('ARCHIVE_INVALID', message)
  }
}
