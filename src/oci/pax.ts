import { OcibakeError } from '../errors.ts'
import { type ByteString, display, fromBytes } from './name.ts'
import { readDecimal } from './tar-number.ts'

/** The records of one PAX extended header. Values are bytes: names and xattrs need not be UTF-8. */
export type PaxRecords = ReadonlyMap<ByteString, Buffer>

const SPACE = 0x20
const NEWLINE = 0x0a
const EQUALS = 0x3d
/** The header fields that are C strings, which a NUL would cut differently in different readers. */
const STRINGS = new Set(['path', 'linkpath', 'uname', 'gname'])

/**
 * The records of a PAX extended header's body, `"%d %s=%s\n"` each; of a repeated key the last one counts. The
 * repeated keys of GNU sparse format 0.0 become the one `GNU.sparse.map` of format 0.1. Values are views of `body`.
 * Source: POSIX pax, "pax Header Block"; refused is whatever Go's archive/tar refuses.
 * @throws ARCHIVE_INVALID
 */
export function parsePax(body: Buffer): PaxRecords {
  const records = new Map<ByteString, Buffer>()
  const sparse: ByteString[] = []
  for (let at = 0; at < body.length; ) {
    const { key, value, end } = parseRecord(body, at)
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
      const wanted = sparse.length % 2 === 0 ? 'GNU.sparse.offset' : 'GNU.sparse.numbytes'
      if (key !== wanted || value.includes(',')) throw invalid(`has ${key} where ${wanted} should be`)
      sparse.push(fromBytes(value))
    } else {
      records.set(key, value)
    }
    at = end
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', Buffer.from(sparse.join(','), 'latin1'))
  return records
}

function parseRecord(body: Buffer, at: number): { key: ByteString; value: Buffer; end: number } {
  const space = body.indexOf(SPACE, at)
  const length = space < 0 ? undefined : readDecimal(body.toString('latin1', at, Math.min(space, at + 20)))
  if (length === undefined || length < 5) throw invalid(`has a record without a length at its byte ${at}`)
  const end = at + length
  if (end > body.length) throw invalid(`has a record of ${length} bytes where ${body.length - at} are left`)
  if (body[end - 1] !== NEWLINE || space + 1 >= end) throw invalid(`has a record with a wrong length, ${length}`)
  const equals = body.indexOf(EQUALS, space + 1)
  if (equals < 0 || equals >= end) throw invalid(`has a record without '=' at its byte ${at}`)
  const key = body.toString('latin1', space + 1, equals)
  const value = body.subarray(equals + 1, end - 1)
  if (STRINGS.has(key) ? value.includes(0) : key.includes('\0')) {
    throw invalid(`has a NUL in the record '${display(key)}'`)
  }
  return { key, value, end }
}

function invalid(fault: string): OcibakeError {
  return new OcibakeError('ARCHIVE_INVALID', `its PAX header ${fault}`)
}

/** One PAX record, its length included. The key must have no '=' and no NUL. */
export function paxRecord(key: ByteString, value: ByteString | Uint8Array): Buffer {
  const held = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  const rest = key.length + held.byteLength + 3
  let length = rest + String(rest).length
  // The length counts its own digits, and may gain one by that.
  length = rest + String(length).length
  return Buffer.concat([Buffer.from(`${length} ${key}=`, 'latin1'), held, Buffer.from('\n')])
}

const TIME = /^([+-]?[0-9]+)(?:\.([0-9]*))?$/

/**
 * Whole seconds of a PAX time, rounded towards the past: '1.9' is 1 and '-0.5' is -1. Digits beyond nanoseconds do
 * not count. Undefined when the text is no time.
 */
export function readPaxTime(text: string): number | undefined {
  const [, whole, fraction = ''] = TIME.exec(text) ?? []
  const seconds = whole === undefined ? undefined : readDecimal(whole)
  if (seconds === undefined) return undefined
  const below = whole!.startsWith('-') && /[1-9]/.test(fraction.slice(0, 9))
  return below ? seconds - 1 : seconds
}
