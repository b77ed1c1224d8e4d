import { OcibakeError } from '../errors.ts'
import { type ByteString, display } from '../oci/name.ts'

/** A name as tar compares it with patterns: a directory's trailing slashes are no part of it. */
export function withoutTrailingSlashes(name: ByteString): ByteString {
  if (!name.endsWith('/')) return name
  const end = name.replace(/\/+$/, '')
  return end === '' ? name.slice(0, 1) : end
}

/**
 * What `tar --strip-components=COUNT` leaves of a name; '' when it has no more than COUNT components.
 * `.` counts as a component, a run of slashes as one, and leading slashes are gone first. The second of two slashes at
 * the cut goes too: GNU tar 1.34 keeps it, and so writes `a//etc/x` to the host's /etc.
 */
export function stripComponents(name: ByteString, count: number): ByteString {
  if (!name.startsWith('/') && !name.includes('//')) return withoutFirst(name, count)
  const parts = name.replace(/^\/+/, '').split(/\/+/)
  return count === 0 ? parts.join('/') : parts.slice(count).join('/')
}

/** What is behind the first `count` slashes; '' when there are fewer. */
function withoutFirst(name: ByteString, count: number): ByteString {
  let start = 0
  for (let left = count; left > 0; left--) {
    const slash = name.indexOf('/', start)
    if (slash < 0) return ''
    start = slash + 1
  }
  return start === 0 ? name : name.slice(start)
}

/**
 * A name without empty, `.` and `..` components, relative to the destination. `member` is the name to complain of.
 * @throws ARCHIVE_UNSAFE when `..` leads out of the destination
 */
export function insideDestination(name: ByteString, archive: string, member = name): ByteString {
  const path = plainPath(name)
  if (path === undefined) throw unsafe(archive, member, `'..' leads out of the folder it is unpacked to`)
  return path
}

/** An empty component, `.` or `..`. */
const ODD_PART = /(?:^|\/)\.{0,2}(?:\/|$)/

/** A name without empty, `.` and `..` components; undefined when `..` leads out of the archive's own root. */
export function plainPath(name: ByteString): ByteString | undefined {
  if (!ODD_PART.test(name)) return name
  const done: ByteString[] = []
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') done.push(part)
    else if (done.pop() === undefined) return undefined
  }
  return done.join('/')
}

export function unsafe(archive: string, member: ByteString, why: string): OcibakeError {
  return new OcibakeError('ARCHIVE_UNSAFE', `${archive} has the member '${display(member)}': ${why}.`, {
    hint: 'Do not use this archive unless you know why it has that member; `exclude` leaves members out.',
  })
}
