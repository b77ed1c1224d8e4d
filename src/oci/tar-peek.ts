import { OcibakeError } from '../errors.ts'
import type { SliceFile } from './content.ts'
import { FileWindow } from './file-window.ts'
import { type PaxRecords, paxRecord } from './pax.ts'
import { isPlainHeader, isPlainMode, isZero } from './plain-header.ts'
import { decodeFields, type TarFormat, type TarHeader } from './tar-decode.ts'
import { BLOCK, paddingSize } from './tar-header.ts'
import { type Extensions, extended, type Member, mergeMember, NO_EXTENSIONS, XATTR } from './tar-member.ts'

/** A member's header in a raw tar: the bytes from `start` to below `end`, its extended headers among them. */
export interface PeekedMember extends Member {
  readonly start: number
  readonly end: number
}

/**
 * The member whose header starts at a byte of a raw tar, as TarScanner has it, provided that every reader of tar has it
 * like this, whatever stands before it. Undefined for anything in doubt: formats other than ustar, PAX and GNU, numbers
 * that are not octal, sizes where no data is and two that differ, sparse files, global headers, extended headers that come
 * twice or that say what no tree holds, and all together beyond `limit`, at most 64 KiB on.
 */
export function peekMember(
  window: FileWindow,
  file: SliceFile,
  start: number,
  limit = start + FileWindow.LIMIT,
): PeekedMember | undefined {
  try {
    return peek(window, file, start, limit)
  } catch (error) {
    if (error instanceof OcibakeError && error.code === 'ARCHIVE_INVALID') return undefined
    throw error
  }
}

/** The flags of a member's headers, in their order. */
const SEQUENCE: Readonly<Record<TarFormat, RegExp>> = {
  ustar: /^(?:x|x?[0-6])$/,
  gnu: /^(?:L?K?|KL)[0-6]?$/,
  v7: /^(?!)/,
  star: /^(?!)/,
}

function peek(window: FileWindow, file: SliceFile, start: number, limit: number): PeekedMember | undefined {
  let extensions = NO_EXTENSIONS
  let flags = ''
  for (let at = start; ; ) {
    const block = window.read(file, at, BLOCK)
    if (block === undefined || !isPlainHeader(block)) return undefined
    const header = decodeFields(block)
    flags += header.flag
    if (!SEQUENCE[header.format].test(flags)) return undefined
    at += BLOCK
    if (!'xLK'.includes(header.flag)) {
      const member = mergeMember(header, extensions)
      return isPlainMember(header, extensions, member) ? { ...member, start, end: at } : undefined
    }
    const padded = header.size + paddingSize(header.size)
    if (at + padded + BLOCK > limit) return undefined
    const bytes = window.read(file, at, padded)
    if (bytes === undefined || !isZero(bytes, header.size, padded)) return undefined
    // A copy, because the records are views of it and the window goes on.
    const body = Buffer.from(bytes.subarray(0, header.size))
    extensions = extended(extensions, header.flag, body)
    if (!isPlainExtension(header.flag, body, extensions.pax)) return undefined
    at += padded
  }
}

const NUMBER = /^[0-9]+$/
const TIME = /^[0-9]+(?:\.[0-9]+)?$/
/** The records that this reader, or the tree that is made of it, knows; of a value what no reader takes otherwise. */
const PLAIN_RECORDS: ReadonlyMap<string, RegExp> = new Map([
  ['path', /./s],
  ['linkpath', /./s],
  ['uname', /./s],
  ['gname', /./s],
  ['uid', NUMBER],
  ['gid', NUMBER],
  ['size', NUMBER],
  ['mtime', TIME],
  ['atime', TIME],
  ['ctime', TIME],
])

function isPlainExtension(flag: string, body: Buffer, pax: PaxRecords): boolean {
  if (flag !== 'x') return body.length > 1 && body.indexOf(0) === body.length - 1
  const again: Buffer[] = []
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR) && !PLAIN_RECORDS.get(key)?.test(value.toString('latin1'))) return false
    again.push(paxRecord(key, value))
  }
  // A key that comes twice is one record here, and a length may have zeros in front.
  return Buffer.concat(again).equals(body)
}

function isPlainMember(header: TarHeader, { pax, longTarget }: Extensions, member: Member): boolean {
  const { type } = member
  if (!isPlainMode(header.mode, type)) return false
  const size = pax.get('size')
  if (header.size !== member.size || (size !== undefined && Number(size) !== member.size)) return false
  const linked = type === 'link' || type === 'symlink'
  if (!linked && (header.target !== '' || longTarget !== '' || pax.has('linkpath'))) return false
  // The reader leaves out some: then the tree does not say what the header says.
  let xattrs = 0
  for (const key of pax.keys()) if (key.startsWith(XATTR)) xattrs++
  return xattrs === member.xattrs.size
}
