import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { crc32 } from './crc32.ts'
import { crcAsWritten, isAsWritten } from './file-guard.ts'
import type { FileRead, PieceJob } from './piece-job.ts'

/**
 * Makes the raw piece in the job's memory: whatever the main thread has not put there.
 * @throws when a file is not what it should be; the main thread finds out what is wrong with it
 */
export function fillPiece({ memory, room, reads, files, guards, zeros, headers }: PieceJob): void {
  const bytes = new Uint8Array(memory)
  for (let i = 0; i < reads.length; i += 4) {
    const [descriptor, offset, at, size] = [reads[i]!, reads[i + 1]!, reads[i + 2]!, reads[i + 3]!]
    readFully(descriptor, bytes, at, size, offset)
    const guard = guards.get(descriptor)
    if (guard !== undefined && !isAsWritten(guard, descriptor, bytes.subarray(at, at + size), offset)) {
      throw new RangeError('other bytes')
    }
  }
  for (const file of files) readFile(file, bytes)
  // What lay between files where they come from is written over: zeros and headers come last.
  for (let i = 0; i < zeros.length; i += 2) bytes.fill(0, zeros[i]!, zeros[i]! + zeros[i + 1]!)
  let packed = room
  for (let i = 0; i < headers.length; i += 2) {
    const size = headers[i + 1]!
    bytes.copyWithin(headers[i]!, packed, packed + size)
    packed += size
  }
}

/** As `fillPiece`, of a splice, whose bytes are all in one place. @returns their CRC-32 */
export function fillSpliced({ memory, size, reads, guards }: PieceJob): number {
  const [descriptor, offset] = [reads[0]!, reads[1]!]
  const bytes = new Uint8Array(memory, 0, size)
  readFully(descriptor, bytes, 0, size, offset)
  const guard = guards.get(descriptor)
  if (guard === undefined) return crc32(bytes)
  const crc = crcAsWritten(guard, descriptor, bytes, offset)
  if (crc === undefined) throw new RangeError('other bytes')
  return crc
}

/** @throws RangeError at the end of the file */
export function readFully(descriptor: number, into: Uint8Array, at: number, size: number, offset: number): void {
  for (let done = 0; done < size; ) {
    const got = readSync(descriptor, into, at + done, size - done, offset + done)
    if (got === 0) throw new RangeError('the file ended')
    done += got
  }
}

function readFile({ path, size, mtimeNs, ino, start, at, length }: FileRead, into: Uint8Array): void {
  // Without O_NONBLOCK, opening a fifo that has taken the file's place would wait for ever.
  const descriptor = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const now = fstatSync(descriptor, { bigint: true })
    if (now.ino !== ino || now.mtimeNs !== mtimeNs || Number(now.size) !== size) throw new RangeError('another file')
    readFully(descriptor, into, at, length, start)
  } finally {
    closeSync(descriptor)
  }
}
