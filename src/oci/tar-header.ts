import { OcibakeError } from '../errors.ts'
import { type ByteString, display } from './name.ts'
import { paxRecord } from './pax.ts'
import type { EntryType, TarEntry } from './tar-entry.ts'
import { octalLimit, writeOctal } from './tar-number.ts'

/** Everything in a tar archive is padded to multiples of this many bytes. */
export const BLOCK = 512

/** The two blocks of zeros that end an archive. Shared: never to be changed or transferred. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK)

/** The zeros that follow `size` bytes of content, 0 to 511 of them. Shared: never to be changed or transferred. */
export function padding(size: number): Buffer {
  return END_OF_ARCHIVE.subarray(0, paddingSize(size))
}

/** How many zeros follow `size` bytes of content. */
export function paddingSize(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

/**
 * The sum of a header's bytes with its checksum field taken as spaces.
 * @param end where zeros begin that reach to its end; default: nothing is known of them
 */
export function sumOf(block: Uint8Array, end = BLOCK): number {
  let sum = 8 * 0x20
  for (let i = 0; i < 148; i++) sum += block[i]!
  for (let i = 156; i < end; i++) sum += block[i]!
  return sum
}

/** What a member's header says; its bytes and their padding follow separately. */
export type HeaderFields = Omit<TarEntry, 'data'>

const FLAGS: Readonly<Record<EntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}
const ID_LIMIT = 2 ** 32 - 2

/**
 * The header of a member: a ustar header, before it a PAX header for whatever ustar cannot hold exactly (names beyond
 * 100 bytes of printable ASCII, ids above 2097151, sizes from 8 GiB, times before 1970 or from 2242, xattrs). A
 * directory's name gets its trailing '/'. The same entry gives the same bytes: no names of users, no times but mtime.
 * Source: POSIX pax, "ustar Interchange Format" and "pax Header Block"; xattrs as star and Go name them.
 * @throws PATH_INVALID for a NUL in a name or target; LAYER_INVALID for an xattr name with '=' or NUL, which PAX
 * cannot hold; INTERNAL for numbers out of their range
 */
export function encodeEntry(entry: HeaderFields): Buffer {
  checkFields(entry)
  const path = entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path
  const records: Buffer[] = []
  const header = emptyBlock()
  header.write(fitText('path', path, records), 0, 'latin1')
  writeOctal(header, 100, 8, entry.mode)
  fitNumber(header, 108, 8, 'uid', entry.uid, records)
  fitNumber(header, 116, 8, 'gid', entry.gid, records)
  fitNumber(header, 124, 12, 'size', entry.size, records)
  fitNumber(header, 136, 12, 'mtime', entry.mtime, records)
  if (entry.target !== '') header.write(fitText('linkpath', entry.target, records), 157, 'latin1')
  writeOctal(header, 329, 8, entry.major)
  writeOctal(header, 337, 8, entry.minor)
  seal(header, FLAGS[entry.type])
  if (entry.xattrs.size > 0) {
    for (const name of [...entry.xattrs.keys()].sort()) {
      records.push(paxRecord(`SCHILY.xattr.${name}`, entry.xattrs.get(name)!))
    }
  }
  return records.length === 0 ? header : Buffer.concat([...paxMember(Buffer.concat(records)), header])
}

/** The text as its field can have it; what that cannot hold exactly goes into a record, the field being a hint then. */
function fitText(key: string, text: ByteString, records: Buffer[]): string {
  if (text.length <= 100 && /^[\x20-\x7e]*$/.test(text)) return text
  records.push(paxRecord(key, text))
  // A cut that ends in '/' would make readers that know no PAX take a file for a directory (golang/go #12436).
  return text
    .slice(0, 100)
    .replace(/[^\x20-\x7e]/g, '_')
    .replace(/\/+$/, '')
}

function fitNumber(header: Buffer, at: number, length: number, key: string, value: number, records: Buffer[]): void {
  const fits = value >= 0 && value <= octalLimit(length)
  if (!fits) records.push(paxRecord(key, String(value)))
  writeOctal(header, at, length, fits ? value : 0)
}

/** Of the pool that small buffers share: an archive has half a million of them. */
function emptyBlock(): Buffer {
  return Buffer.allocUnsafe(BLOCK).fill(0)
}

function seal(header: Buffer, flag: string): void {
  header.write(flag, 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  writeOctal(header, 148, 7, sumOf(header))
  header[155] = 0x20
}

/** A PAX extended header as the member that it is: header, body, padding. */
function paxMember(body: Buffer): Buffer[] {
  const header = emptyBlock()
  header.write('././@PaxHeader', 0, 'latin1')
  for (const at of [100, 108, 116, 329, 337]) writeOctal(header, at, 8, 0)
  writeOctal(header, 124, 12, body.length)
  writeOctal(header, 136, 12, 0)
  seal(header, 'x')
  return [header, body, padding(body.length)]
}

function checkFields(entry: HeaderFields): void {
  if (entry.path === '' || entry.path.includes('\0') || entry.target.includes('\0')) {
    throw new OcibakeError(
      'PATH_INVALID',
      `The member '${display(entry.path)}' has an empty name, or a NUL in its name or target.`,
    )
  }
  for (const name of entry.xattrs.keys()) {
    if (name !== '' && !/[=\0]/.test(name)) continue
    throw new OcibakeError(
      'LAYER_INVALID',
      `The member '${display(entry.path)}' has the xattr '${display(name)}': no layer can hold that name.`,
    )
  }
  checkRange(entry, 'mode', entry.mode, 0, 0o7777)
  checkRange(entry, 'uid', entry.uid, 0, ID_LIMIT)
  checkRange(entry, 'gid', entry.gid, 0, ID_LIMIT)
  checkRange(entry, 'device major', entry.major, 0, octalLimit(8))
  checkRange(entry, 'device minor', entry.minor, 0, octalLimit(8))
  checkRange(entry, 'size', entry.size, 0, Number.MAX_SAFE_INTEGER)
  checkRange(entry, 'mtime', entry.mtime, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
}

function checkRange(entry: HeaderFields, field: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new OcibakeError(
    'INTERNAL',
    `The member '${display(entry.path)}' has the ${field} ${value}; wanted ${least}..${most}.`,
  )
}
