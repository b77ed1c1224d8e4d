import { setFlagsFromString } from 'node:v8'

/** What a build needs of Node in any case. */
const NEEDED = ['child_process', 'crypto', 'fs/promises', 'https', 'stream/web', 'worker_threads', 'zlib']

const SMALL = ['--semi-space-growth-factor=1', '--heap-growing-percent=50']
/** What V8 has by itself: see `node --v8-options`. */
const USUAL = ['--semi-space-growth-factor=2', '--heap-growing-percent=0']

/** What a thread posts first that tells when it is there. */
export const READY = 'ready'

let isWanted = false
/** Threads that are starting. */
let suspended = 0

/**
 * Keeps V8 from letting the space for new objects grow to 48 MB, although what lives long in a build is on the disk, and
 * from letting the heap double before it is looked through: 40 MB of the nodes of 50,000 files were garbage.
 *
 * To be called before any code is taken from a cache: with another setting V8 does not take what it compiled before. That
 * is true of the code that Node itself comes with, too, so what of it is needed is loaded before: 20 ms of a start.
 */
export function smallHeap(): void {
  for (const id of NEEDED) process.getBuiltinModule(`node:${id}`)
  isWanted = true
  setFlags(SMALL)
}

/**
 * Suspends what `smallHeap` has set, for a thread that is to start: else it takes none of the code that Node comes with,
 * and compiles it, which costs as much as all else of its start. Only for when little else is done: while a tree was made
 * or a layer written meanwhile, the heap grew by 60 MB.
 * @returns what ends that; calling it again does nothing
 */
export function usualHeap(): () => void {
  if (!isWanted) return () => {}
  let isOver = false
  if (suspended++ === 0) setFlags(USUAL)
  return () => {
    if (isOver) return
    isOver = true
    if (--suspended === 0) setFlags(SMALL)
  }
}

function setFlags(flags: readonly string[]): void {
  for (const flag of flags) setFlagsFromString(flag)
}
