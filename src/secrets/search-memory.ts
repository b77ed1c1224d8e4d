import { createHash } from 'node:crypto'
import { type Digest, parseDigest } from '../oci/digest.ts'
import type { FileRun } from './file-runs.ts'
import type { SearchJob } from './search-runs.ts'

/** Remembers what was searched for the same values before, and had none of them. */
export interface SearchMemory {
  /** @param what stands for certain parts of certain files, and how they were searched */
  isClean(what: Digest): Promise<boolean>
  /** @param isRight asked later, for what may be more than those looked at who used it */
  keep(what: Digest, isRight?: () => boolean): void
}

/** A job without what need not be searched again. */
export interface Remembered {
  readonly job: SearchJob
  /** Of the runs that are still in the job and can be remembered: to be kept when nothing is found. */
  readonly news: Digest | undefined
}

/** Files whose digest is known never change: what was clean is clean. */
export async function unsearched(job: SearchJob, memory: SearchMemory | undefined): Promise<Remembered> {
  const known = job.runs.filter(({ source }) => source.kind === 'descriptor' && source.digest !== undefined)
  if (memory === undefined || known.length === 0) return { job, news: undefined }
  const what = digestOfRuns(known, job.where)
  if (!(await memory.isClean(what))) return { job, news: what }
  const left = new Set(job.runs).difference(new Set(known))
  return { job: { ...job, runs: [...left] }, news: undefined }
}

function digestOfRuns(runs: readonly FileRun[], where: SearchJob['where']): Digest {
  const hash = createHash('sha256').update(where)
  for (const { source, starts, ends } of runs) {
    const digest = source.kind === 'descriptor' ? source.digest : undefined
    hash.update(`\n${digest} ${starts.length}\n`).update(starts).update(ends)
  }
  return parseDigest(`sha256:${hash.digest('hex')}`, 'parts of files')
}
