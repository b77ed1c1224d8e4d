import { copiedSize, copyBlocks } from './copy-blocks.ts'
import { crc32 } from './crc32.ts'
import { CHECKED } from './gzip-blocks.ts'
import { readFully } from './piece-fill.ts'
import type { BlockRead } from './piece-job.ts'

/**
 * Used again: new memory for each splice would pile up faster than it is collected. Not shared with other threads, in which
 * V8 copies single bytes, at a tenth of the speed, if both sides are not in the same place of a word.
 */
let [source, target] = [new Uint8Array(2 << 20), new Uint8Array(2 << 20)]

/**
 * Deflate blocks of a file as `copyBlocks` makes them, in memory that is used again by the next call. Undefined when the
 * file is gone, shorter, or has other bytes than those of which the blocks were found.
 */
export function splice(read: BlockRead): Uint8Array | undefined {
  const { descriptor, origin, length, checks, start, end, flags } = read
  if (source.byteLength < length) source = new Uint8Array(length)
  const bytes = source.subarray(0, length)
  try {
    readFully(descriptor, bytes, 0, length, origin)
  } catch {
    return undefined
  }
  for (const [i, check] of checks.entries()) {
    if (crc32(bytes.subarray(i * CHECKED, (i + 1) * CHECKED)) !== check) return undefined
  }
  const size = copiedSize({ start, end, flags })
  if (target.byteLength < size) target = new Uint8Array(size)
  return target.subarray(0, copyBlocks({ bytes, origin, start, end, flags }, target, 0))
}
