import { OcibakeError } from '../errors.ts'
import { hasBytes } from './has-bytes.ts'
import type { ByteString } from './name.ts'
import { BLOCK, sumOf } from './tar-header.ts'
import { readNumber, readOctal } from './tar-number.ts'

/** Bytes 345..511 mean something else in each of them: v7 has nothing there, GNU times and sparse maps. */
export type TarFormat = 'v7' | 'ustar' | 'gnu' | 'star'

/** One 512-byte header block, decoded; strings end at their first NUL, numbers are exact integers. */
export interface TarHeader {
  readonly format: TarFormat
  readonly flag: string
  readonly name: ByteString
  readonly target: ByteString
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly major: number
  readonly minor: number
}

/** Whether a block is all zeros: two of them end an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false
  return true
}

/**
 * Decodes a header block of any of the four formats, as Go's archive/tar does.
 * @throws ARCHIVE_INVALID for a wrong checksum and for fields that are no numbers or beyond 2^53
 */
export function decodeHeader(block: Buffer): TarHeader {
  checkSum(block)
  return decodeFields(block)
}

/** As `decodeHeader`, of a block whose checksum was looked at. @throws ARCHIVE_INVALID for fields that are no numbers or beyond 2^53 */
export function decodeFields(block: Buffer): TarHeader {
  const format = formatOf(block)
  const prefix = prefixOf(block, format)
  const name = textAt(block, 0, 100)
  return {
    format,
    flag: String.fromCharCode(block[156]!),
    name: prefix === '' ? name : `${prefix}/${name}`,
    target: textAt(block, 157, 100),
    mode: numberAt(block, 100, 8, 'mode'),
    uid: numberAt(block, 108, 8, 'uid'),
    gid: numberAt(block, 116, 8, 'gid'),
    size: numberAt(block, 124, 12, 'size'),
    mtime: numberAt(block, 136, 12, 'mtime'),
    major: format === 'v7' ? 0 : numberAt(block, 329, 8, 'device major'),
    minor: format === 'v7' ? 0 : numberAt(block, 337, 8, 'device minor'),
  }
}

function checkSum(block: Buffer): void {
  const got = readOctal(block, 148, 8)
  const want = sumOf(block)
  if (got === want) return
  // Sun's tar summed signed bytes.
  let high = 0
  for (let i = 0; i < BLOCK; i++) if (block[i]! > 0x7f && (i < 148 || i >= 156)) high++
  if (got === want - 256 * high) return
  throw invalid(`its header's checksum is ${got ?? 'no number'}; wanted ${want}`)
}

function formatOf(block: Buffer): TarFormat {
  if (hasBytes(block, 257, USTAR)) return hasBytes(block, 508, STAR) ? 'star' : 'ustar'
  return hasBytes(block, 257, GNU) ? 'gnu' : 'v7'
}

const USTAR = Buffer.from('ustar\0', 'latin1')
const STAR = Buffer.from('tar\0', 'latin1')
const GNU = Buffer.from('ustar  \0', 'latin1')

function prefixOf(block: Buffer, format: TarFormat): ByteString {
  if (format === 'v7') return ''
  if (format === 'ustar') return textAt(block, 345, 155)
  if (format === 'star') {
    if (!isTimeOrEmpty(block, 476) || !isTimeOrEmpty(block, 488)) throw invalid('a time in its header is no number')
    return textAt(block, 345, 131)
  }
  // Go before 1.8 wrote a ustar prefix over GNU's atime and ctime (golang/go #12594): only then they are no numbers.
  if (isTimeOrEmpty(block, 345) && isTimeOrEmpty(block, 357)) return ''
  const prefix = textAt(block, 345, 155)
  return /^[\x01-\x7f]*$/.test(prefix) ? prefix : ''
}

function isTimeOrEmpty(block: Buffer, offset: number): boolean {
  return block[offset] === 0 || readNumber(block, offset, 12) !== undefined
}

function textAt(block: Buffer, offset: number, length: number): ByteString {
  let end = offset
  while (end < offset + length && block[end] !== 0) end++
  return end === offset ? '' : block.toString('latin1', offset, end)
}

/** A numeric field of a header. @throws ARCHIVE_INVALID naming the field when it is no number or beyond 2^53 */
export function numberAt(block: Uint8Array, offset: number, length: number, field: string): number {
  const value = readNumber(block, offset, length)
  if (value === undefined) throw invalid(`the ${field} in its header is no number`)
  if (!Number.isSafeInteger(value)) throw invalid(`the ${field} in its header is out of range`)
  return value
}

function invalid(fault: string): OcibakeError {
  return new OcibakeError('ARCHIVE_INVALID', fault)
}
