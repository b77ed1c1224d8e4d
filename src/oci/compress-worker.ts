import { parentPort } from 'node:worker_threads'
import { gzip } from 'libdeflate'

/** What a compressing thread gets: `size` bytes at the start of `buffer`. */
export interface CompressJob {
  readonly buffer: ArrayBuffer
  readonly size: number
}

/** What it answers, one answer a job, in the jobs' order: one gzip member, and the job's buffer to be used again. */
export interface CompressedPiece {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly buffer: ArrayBuffer
}

/** libdeflate's levels are 1 to 12; from 6 on twice the time saves 1%. Another level moves every digest. */
const LEVEL = 6

parentPort?.on('message', ({ buffer, size }: CompressJob) => {
  const compressed = gzip(new Uint8Array(buffer, 0, size), LEVEL)
  const bytes = compressed.buffer instanceof ArrayBuffer ? new Uint8Array(compressed.buffer) : compressed.slice()
  parentPort?.postMessage({ bytes, buffer } satisfies CompressedPiece, [bytes.buffer, buffer])
})
