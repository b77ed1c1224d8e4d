import { closeSync, openSync } from 'node:fs'
import { crc32 } from './crc32.ts'
import { CHECKED } from './gzip-blocks.ts'
import { readFully } from './piece-fill.ts'
import type { CopyJob } from './piece-worker.ts'
import { writeFully } from './write-fully.ts'

/** Used again for every part: new memory for each would pile up faster than it is collected. */
let buffer = new Uint8Array()

/** @returns false, and nothing is written, when the blob is gone or has other bytes @throws what the system says of writing */
export function copyPart({ into, path, at, length, checks }: CopyJob): boolean {
  if (buffer.byteLength < length) buffer = new Uint8Array(length)
  const bytes = buffer.subarray(0, length)
  try {
    readPart(path, bytes, at)
  } catch {
    return false
  }
  for (const [i, check] of checks.entries()) {
    if (crc32(bytes.subarray(i * CHECKED, (i + 1) * CHECKED)) !== check) return false
  }
  writeFully(into, bytes, at)
  return true
}

function readPart(path: string, into: Uint8Array, at: number): void {
  const descriptor = openSync(path, 'r')
  try {
    readFully(descriptor, into, 0, into.byteLength, at)
  } finally {
    closeSync(descriptor)
  }
}
