import { OcibakeError } from '../errors.ts'
import type { ByteString } from './name.ts'
import { NO_XATTRS } from './node.ts'
import { type PaxRecords, parsePax, readPaxTime } from './pax.ts'
import type { TarHeader } from './tar-decode.ts'
import { type EntryType, type TarEntry, TYPE_OF_FLAG } from './tar-entry.ts'
import { readDecimal } from './tar-number.ts'

/** What the extended headers before a member's own header say. */
export interface Extensions {
  readonly pax: PaxRecords
  /** GNU 'L' and 'K' headers; '' when there was none. */
  readonly longName: ByteString
  readonly longTarget: ByteString
}

export const NO_EXTENSIONS: Extensions = { pax: new Map(), longName: '', longTarget: '' }

/**
 * The extensions with another extended header: 'x' (PAX), 'L' (long name) or 'K' (long target). Of two the last counts.
 * Its body must not change any more. @throws ARCHIVE_INVALID for PAX records that are none
 */
export function extended(extensions: Extensions, flag: string, body: Buffer): Extensions {
  if (flag === 'x') return { ...extensions, pax: parsePax(body) }
  return flag === 'L' ? { ...extensions, longName: untilNul(body) } : { ...extensions, longTarget: untilNul(body) }
}

function untilNul(body: Buffer): ByteString {
  const end = body.indexOf(0)
  return body.toString('latin1', 0, end < 0 ? body.length : end)
}

/** A member whose bytes are still to be found. */
export interface Member extends Omit<TarEntry, 'data'> {
  /** Bytes of data that follow the header in the archive, padding left out. */
  readonly stored: number
}

/** chown(2) takes -1 as "leave it", so that 2^32-1 is nobody's id. */
const ID_LIMIT = 2 ** 32 - 2
/** Linux's dev_t: 12 bits of major and 20 of minor number. */
const MAJOR_LIMIT = 0xfff
const MINOR_LIMIT = 0xfffff
/** What overlayfs keeps for itself in xattrs means something else, or harm, in any other place. */
const OVERLAY = /^(?:trusted|user)\.overlay\./
/** What the PAX records of xattrs have before the xattr's name. */
export const XATTR = 'SCHILY.xattr.'

/**
 * A header with its extended headers merged in as Go's archive/tar does it: PAX records above the header, GNU long
 * names above PAX, an empty record meaning the header. Links, devices and directories have no data, whatever their size
 * says, and a v7 file whose name ends in '/' is a directory.
 * @throws ARCHIVE_INVALID for an unknown type, and for numbers that are none or out of range
 */
export function mergeMember(header: TarHeader, extensions: Extensions): Member {
  const { pax, longTarget } = extensions
  const path = memberName(header, extensions)
  const target = longTarget || pax.get('linkpath')?.toString('latin1') || header.target
  const type = typeOf(header.flag, path)
  const device = type === 'character' || type === 'block'
  if (pax.size > 0) for (const key of ['atime', 'ctime']) paxNumber(pax, key, 0, readPaxTime)
  const claimed = paxNumber(pax, 'size', header.size)
  const stored = type === 'file' ? inRange('size', claimed, Number.MAX_SAFE_INTEGER) : 0
  return {
    path,
    type,
    mode: header.mode & 0o7777,
    uid: inRange('uid', paxNumber(pax, 'uid', header.uid), ID_LIMIT),
    gid: inRange('gid', paxNumber(pax, 'gid', header.gid), ID_LIMIT),
    mtime: paxNumber(pax, 'mtime', header.mtime, readPaxTime),
    size: stored,
    target: type === 'link' || type === 'symlink' ? target : '',
    major: device ? inRange('device major', header.major, MAJOR_LIMIT) : 0,
    minor: device ? inRange('device minor', header.minor, MINOR_LIMIT) : 0,
    xattrs: pax.size === 0 ? NO_XATTRS : xattrsOf(pax),
    stored,
  }
}

/** The name that counts: of a GNU header, else of a PAX header, else the header's own. */
export function memberName(header: TarHeader, { pax, longName }: Extensions): ByteString {
  return longName || pax.get('path')?.toString('latin1') || header.name
}

function typeOf(flag: string, path: ByteString): EntryType {
  const type = TYPE_OF_FLAG.get(flag)
  if (type === undefined) {
    const shown = /[!-~]/.test(flag) ? `'${flag}'` : `0x${flag.charCodeAt(0).toString(16).padStart(2, '0')}`
    throw new OcibakeError('ARCHIVE_INVALID', `its type ${shown} is none that a filesystem has`)
  }
  return flag === '\0' && path.endsWith('/') ? 'directory' : type
}

function paxNumber(pax: PaxRecords, key: string, own: number, read = readDecimal): number {
  const text = pax.get(key)?.toString('latin1') || undefined
  if (text === undefined) return own
  const value = read(text)
  if (value === undefined) throw new OcibakeError('ARCHIVE_INVALID', `the ${key} in its PAX header is no number`)
  return value
}

function inRange(field: string, value: number, limit: number): number {
  if (value >= 0 && value <= limit) return value
  throw new OcibakeError('ARCHIVE_INVALID', `its ${field} is ${value}; wanted 0..${limit}`)
}

function xattrsOf(pax: PaxRecords): TarEntry['xattrs'] {
  const xattrs = new Map<ByteString, Uint8Array>()
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR) || key.length === XATTR.length) continue
    const name = key.slice(XATTR.length)
    // A copy, because the value is a view of a header that may be a megabyte.
    if (!OVERLAY.test(name)) xattrs.set(name, new Uint8Array(value))
  }
  return xattrs.size === 0 ? NO_XATTRS : xattrs
}
