import { closeSync, openSync } from 'node:fs'
import { crc32 } from './crc32.ts'
import { CHECKED } from './gzip-blocks.ts'
import { readFully } from './piece-fill.ts'
import { writeFully } from './write-fully.ts'

/** A part of a blob to be copied to the same place of the layer's file. */
export interface CopyJob {
  readonly into: number
  /** Host path of the blob. */
  readonly path: string
  /** A multiple of `CHECKED`. */
  readonly at: number
  readonly length: number
  /** See `FileChecks`; of the part. */
  readonly checks: Uint32Array
}

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
