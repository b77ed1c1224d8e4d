import { hasBytes } from './has-bytes.ts'
import type { EntryType } from './tar-entry.ts'
import { BLOCK, sumOf } from './tar-header.ts'
import { readOctal } from './tar-number.ts'

/**
 * Whether a header block is one that all readers of tar take alike: ustar or GNU by magic and version, its checksum that
 * of unsigned bytes, every number plain octal, and nothing behind the fields that both formats have but a ustar prefix.
 * False is no verdict: most of what this refuses is read well by most.
 */
export function isPlainHeader(block: Buffer): boolean {
  const ustar = hasBytes(block, 257, USTAR)
  if (!ustar && !hasBytes(block, 257, GNU)) return false
  if (!isOctal(block, 100, 8) || !isOctal(block, 108, 8) || !isOctal(block, 116, 8)) return false
  if (!isOctal(block, 124, 12) || !isOctal(block, 136, 12)) return false
  if (!isDeviceNumber(block, 329) || !isDeviceNumber(block, 337)) return false
  let end = 345
  if (ustar) while (end < 500 && block[end] !== 0) end++
  return isZero(block, end, BLOCK) && readOctal(block, 148, 8) === sumOf(block, end)
}

const USTAR = Buffer.from('ustar\x0000', 'latin1')
const GNU = Buffer.from('ustar  \0', 'latin1')

/** GNU tar leaves the device numbers of what is no device empty. */
function isDeviceNumber(block: Buffer, at: number): boolean {
  return block[at] === 0 ? isZero(block, at, at + 8) : isOctal(block, at, 8)
}

/** Whether the bytes from `from` to below `to` are zeros. */
export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false
  return true
}

/** Digits, and at least one NUL or space behind them. */
function isOctal(block: Uint8Array, at: number, length: number): boolean {
  const end = at + length
  let next = at
  while (next < end && block[next]! >= 0x30 && block[next]! <= 0x37) next++
  if (next === at || next === end) return false
  while (next < end && (block[next] === 0 || block[next] === 0x20)) next++
  return next === end
}

/** The file types of stat(2), which Go before 1.9 put into the mode, and Docker puts there until now. */
const TYPE_BITS: Readonly<Record<EntryType, number>> = {
  file: 0o100000,
  link: 0o100000,
  symlink: 0o120000,
  character: 0o20000,
  block: 0o60000,
  directory: 0o40000,
  fifo: 0o10000,
}

/** Whether a header's mode has nothing above the permissions but, maybe, the file's own type. */
export function isPlainMode(mode: number, type: EntryType): boolean {
  return mode <= 0o7777 || (mode & ~0o7777) === TYPE_BITS[type]
}
