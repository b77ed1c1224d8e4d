import { createHash } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import { fillPiece, readFully } from './piece-fill.ts'
import type { PieceJob } from './piece-job.ts'
import { PieceTable, type SharedPieces } from './piece-table.ts'

/** What a thread answers, one answer a job, in the jobs' order: the piece is made, and its member stands at `room`. */
export interface PieceDone {
  /** sha256 of the raw piece. */
  readonly key: Uint8Array
  /** Bytes of the member and their CRC-32. */
  readonly size: number
  readonly crc: number
  /** The number of the blob that the member was copied from. */
  readonly blob?: number
}

/** `unread`: a file could not be read; nothing was made. */
export type PieceAnswer = PieceDone | 'unread'

/** libdeflate's levels are 1 to 12; from 6 on twice the time saves 1%. Another level moves every digest. */
const LEVEL = 6
/** Blobs that are open at a time: one image's pieces come from few. */
const MOST_OPEN = 16

const { blobs }: SharedPieces = workerData
const table = new PieceTable(workerData)
const descriptors = new Map<number, number>()
/** Jobs are answered in their order. */
let working: Promise<unknown> = Promise.resolve()

parentPort?.on('message', (job: PieceJob) => {
  working = working.then(async () => parentPort?.postMessage(await work(job)))
})

async function work(job: PieceJob): Promise<PieceAnswer> {
  try {
    fillPiece(job)
  } catch {
    return 'unread'
  }
  const raw = new Uint8Array(job.memory, 0, job.size)
  const key = createHash('sha256').update(raw).digest()
  return copied(key, job) ?? (await compressed(key, raw, job))
}

/** The member as it is in a blob of the store; undefined when none has it, or the blob is gone or damaged. */
function copied(key: Buffer, { memory, room }: PieceJob): PieceDone | undefined {
  const found = table.find(key)
  if (found === undefined || found.size > memory.byteLength - room) return undefined
  const { blob, offset, size, crc } = found
  const member = new Uint8Array(memory, room, size)
  try {
    readFully(descriptorOf(blob), member, 0, size, offset)
  } catch {
    return undefined
  }
  return crc32(member) === crc ? { key, size, crc, blob } : undefined
}

async function compressed(key: Buffer, raw: Uint8Array, { memory, room }: PieceJob): Promise<PieceDone> {
  // A thread that only copies does without: it takes half of the time in which one starts.
  const { gzip } = await import('libdeflate')
  const member = gzip(raw, LEVEL)
  new Uint8Array(memory, room).set(member)
  const done = { key, size: member.byteLength, crc: crc32(member) }
  // Left to be collected, members pile up to 30 MB in each thread: this frees one at once.
  if (member.buffer instanceof ArrayBuffer) member.buffer.transfer(0)
  return done
}

function descriptorOf(blob: number): number {
  const open = descriptors.get(blob)
  if (open !== undefined) return open
  const descriptor = openSync(blobs[blob]!, 'r')
  descriptors.set(blob, descriptor)
  if (descriptors.size > MOST_OPEN) {
    const [first, oldest] = descriptors.entries().next().value!
    descriptors.delete(first)
    closeSync(oldest)
  }
  return descriptor
}
