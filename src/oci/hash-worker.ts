import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

/** Bytes to be hashed next: the first `size` of `memory`. */
export interface HashJob {
  readonly memory: SharedArrayBuffer
  readonly size: number
}

/** What the hashing thread answers: to a job that it has been done, to 'end' the sha256 of all jobs as hex digits. */
export type HashAnswer = 'done' | { readonly hex: string }

const hash = createHash('sha256')

parentPort?.on('message', (job: HashJob | 'end') => {
  if (job === 'end') parentPort?.postMessage({ hex: hash.digest('hex') } satisfies HashAnswer)
  else {
    hash.update(new Uint8Array(job.memory, 0, job.size))
    parentPort?.postMessage('done' satisfies HashAnswer)
  }
})
