import { Worker } from 'node:worker_threads'
import { keepGenericWrappers } from './generic-wrappers.ts'

/** A thread of ours with a small heap. Whoever starts one ends it. @param program a module: .ts where Node strips its types */
export function startThread(program: URL, workerData?: unknown): Worker {
  if (program.pathname.endsWith('.ts')) keepGenericWrappers()
  // What node was started with (--input-type, --import) is meant for another program.
  return new Worker(program, { execArgv: [], workerData, resourceLimits: { maxYoungGenerationSizeMb: 4 } })
}
