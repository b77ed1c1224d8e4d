import { crc32 } from 'node:zlib'
import { copyBlocks } from './copy-blocks.ts'
import { CHECKED } from './gzip-blocks.ts'
import { readFully } from './piece-fill.ts'
import type { BlockRead } from './piece-job.ts'

/** Used again: new memory for each splice would pile up faster than it is collected. */
let scratch = new Uint8Array(2 << 20)
/** Bytes at a time that V8 copies into shared memory, if both sides are in the same place of a word: else one, at a tenth of the speed. */
const WORD = 8

/**
 * Copies deflate blocks from their file to the start of `into`; see `copyBlocks`. Returns how many bytes that took, or
 * undefined when the file is gone, shorter, or has other bytes than those of which the blocks were found.
 */
export function splice(read: BlockRead, into: Uint8Array): number | undefined {
  const { descriptor, origin, length, checks, start, end, flags } = read
  if (scratch.byteLength < length + WORD) scratch = new Uint8Array(length + WORD)
  // What is copied first, to the start of `into`, is mostly copied as it is, and what is behind it, too.
  const skew = (into.byteOffset - (Math.floor(start[0]! / 8) - origin)) & (WORD - 1)
  const bytes = scratch.subarray(skew, skew + length)
  try {
    readFully(descriptor, bytes, 0, length, origin)
  } catch {
    return undefined
  }
  for (const [i, check] of checks.entries()) {
    if (crc32(bytes.subarray(i * CHECKED, (i + 1) * CHECKED)) !== check) return undefined
  }
  return copyBlocks({ bytes, origin, start, end, flags }, into, 0)
}
