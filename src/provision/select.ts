import type { ByteString } from '../oci/name.ts'
import type { TarEntry } from '../oci/tar-entry.ts'
import { HardLinks } from './hard-links.ts'
import { insideDestination, stripComponents, unsafe, withoutTrailingSlashes } from './member-name.ts'
import { excludePattern, memberPattern, type NameTest } from './wildcard.ts'

export interface SelectOptions {
  /** Default 0. */
  readonly stripComponents?: number
  /** Default: every member. Each pattern brings what is below the directories that it matches. */
  readonly wildcards?: readonly string[]
  readonly exclude?: readonly string[]
}

/** What is known when all members have been gone through. */
export interface Selection {
  /** How many members the archive has. */
  readonly members: number
  /** How many of them are to be unpacked. */
  readonly selected: number
  /** Wildcards that match no member at all, as tar reports with "Not found in archive". */
  readonly unmatched: readonly string[]
  /** Members that patterns chose, whatever stripping left of their names. */
  readonly matched: number
}

/** Members in the order of their archive; can be gone through again. */
export type Members = Iterable<TarEntry>

/**
 * What `tar -x --no-unquote --strip-components=N --wildcards PATTERN… --exclude=PATTERN…` extracts. Patterns see the
 * names in the archive; names and hard-link targets are stripped, symlink targets are not; what has no name left is
 * left out, and so is the destination itself. Entries come in the archive's order, their names and hard-link targets
 * relative to the destination, without `.`, `..` or a slash at the end. Differs from GNU tar 1.34 in what test/provision/select.test.ts lists.
 * `archive` is its display name. @throws ARCHIVE_UNSAFE, ARCHIVE_INVALID
 */
export function* selectMembers(
  members: Members,
  archive: string,
  options: SelectOptions = {},
): Generator<TarEntry, Selection> {
  const wanted = (options.wildcards ?? []).map((pattern) => ({ pattern, test: memberPattern(pattern), found: false }))
  const excluded = (options.exclude ?? []).map(excludePattern)
  const count = options.stripComponents ?? 0
  const links = new HardLinks(members, archive, count)
  let [all, matched, selected] = [0, 0, 0]
  for (const member of members) {
    all++
    const name = withoutTrailingSlashes(member.path)
    if (!isWanted(name, wanted) || excluded.some((test) => test(name))) continue
    matched++
    const path = destinationOf(member, name, count, archive)
    if (path === '') continue
    const entry = links.resolve({ ...member, path }, member)
    if (entry === undefined) continue
    selected++
    yield entry
  }
  return {
    members: all,
    selected,
    matched,
    unmatched: wanted.filter(({ found }) => !found).map(({ pattern }) => pattern),
  }
}

interface Wanted {
  readonly test: NameTest
  found: boolean
}

function isWanted(name: ByteString, wanted: readonly Wanted[]): boolean {
  if (wanted.length === 0) return true
  let any = false
  for (const pattern of wanted) {
    if (!pattern.test(name)) continue
    pattern.found = true
    any = true
  }
  return any
}

/** @param name the member's, without slashes at its end */
function destinationOf(member: TarEntry, name: ByteString, count: number, archive: string): ByteString {
  const plain = insideDestination(member.path, archive)
  const stripped = stripComponents(name, count)
  // Of a plain name all that is left is plain.
  const path = plain === member.path ? stripped : insideDestination(stripped, archive, member.path)
  if (path === '' && stripped !== '' && member.type !== 'directory') {
    throw unsafe(archive, member.path, `a ${member.type} cannot take the place of the folder it is unpacked to`)
  }
  return path
}
