import { cachedDataVersionTag, setFlagsFromString } from 'node:v8'

/** What a build needs of Node in any case. */
const NEEDED = ['child_process', 'crypto', 'fs/promises', 'https', 'stream/web', 'worker_threads', 'zlib']

/**
 * Keeps V8 from letting the space for new objects grow to 48 MB, although what lives long in a build is on the disk, and
 * from letting the heap double before it is looked through: 40 MB of the nodes of 50,000 files were garbage.
 *
 * To be called when there is going to be much: with another setting V8 does not take what it compiled before. For our own
 * code there is `withUsualHeap`. Of the code that Node itself comes with, what is needed is loaded before (20 ms), and
 * threads that start afterwards take 50 ms of CPU time more.
 */
export function smallHeap(): void {
  for (const id of NEEDED) process.getBuiltinModule(`node:${id}`)
  setSmall()
}

function setSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=50')
}

/** V8 knows compiled code by its settings, whichever they are: this is that which a process begins with. */
export const usualTag = cachedDataVersionTag()

/** What `work` gives, which has V8 take or make compiled code: as if `smallHeap` had not been called. */
export function withUsualHeap<T>(work: () => T): T {
  if (cachedDataVersionTag() === usualTag) return work()
  usualHeap()
  try {
    return work()
  } finally {
    setSmall()
  }
}

/** Undoes `smallHeap`. */
export function usualHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
  setFlagsFromString('--heap-growing-percent=0')
}
