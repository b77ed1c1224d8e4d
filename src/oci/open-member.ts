import { copiedSize, copyBlocks } from './copy-blocks.ts'
import { GzipReader } from './gzip-reader.ts'
import { Inflater } from './inflater.ts'

/** The end of a stream: a last block with deflate's fixed codes, and nothing in it but its end. */
const LAST_BLOCK = [0x03, 0x00]

/** Has a megabyte of memory: one for all members of a thread. */
let inflater: Inflater | undefined

/**
 * A gzip member that goes on: header and blocks of a whole one, which end with a byte and none of which is the last.
 * More blocks can follow, such as `copyBlocks` writes, and then `closeMember`.
 * @param member exactly one
 * @throws RangeError when it is not a gzip member
 */
export function openMember(member: Uint8Array): Uint8Array {
  inflater ??= new Inflater()
  inflater.restart()
  const reader = new GzipReader(inflater)
  reader.push(member)
  const blocks = reader.end()
  if (blocks === undefined) throw new RangeError('not a gzip member')
  const header = blocks.start[0]! / 8
  const open = new Uint8Array(header + copiedSize(blocks))
  open.set(member.subarray(0, header))
  copyBlocks({ bytes: member, origin: 0, start: blocks.start, end: blocks.end, flags: blocks.flags }, open, header)
  return open
}

/**
 * What ends a member after `openMember`.
 * @param crc CRC-32 of the member's raw data
 * @param size of the raw data in bytes. Source: RFC 1952, section 2.3.1
 */
export function closeMember(crc: number, size: number): Uint8Array {
  const end = new Uint8Array(LAST_BLOCK.length + 8)
  end.set(LAST_BLOCK)
  const view = new DataView(end.buffer)
  view.setUint32(2, crc, true)
  view.setUint32(6, size % 2 ** 32, true)
  return end
}
