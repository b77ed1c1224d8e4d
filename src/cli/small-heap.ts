import { cachedDataVersionTag, setFlagsFromString } from 'node:v8'

/** What a build needs of Node in any case. */
const NEEDED = ['child_process', 'crypto', 'fs/promises', 'https', 'stream/web', 'worker_threads', 'zlib']

/** Milliseconds in which small layers are written. */
const SOON = 800

/** What V8 optimises with. */
const COMPILERS = ['maglev', 'turbofan']

/** Those that were put off. Two files of the package have this code in them, and each undoes what the other has set. */
const putOff = shared(Symbol.for('ocibake.compilers-put-off'))

let isSmall = false

/**
 * Keeps V8 from letting the space for new objects grow to 48 MB, although what lives long in a build is on the disk, and
 * from letting the heap double before it is looked through: 40 MB of the nodes of 50,000 files were garbage.
 *
 * To be called when there is going to be much: with another setting V8 does not take what it compiled before. For our own
 * code there is `withUsualHeap`. Of the code that Node itself comes with, what is needed is loaded before (20 ms), and
 * threads that start afterwards take 50 ms of CPU time more.
 */
export function smallHeap(): void {
  isSmall = true
  for (const id of NEEDED) process.getBuiltinModule(`node:${id}`)
  setSmall()
}

/**
 * Sets V8 for what a build is going to do. What has only to be written is mostly over before functions that V8 would
 * optimise have paid for it, which takes about a tenth of the CPU time of a build that changes one file: that is put off.
 */
export function setForLayer(will: 'fetch' | 'write'): void {
  const isLittle = will === 'write' && !isSmall
  smallHeap()
  if (!isLittle) return
  setUnoptimised()
  setTimeout(setOptimised, SOON).unref()
}

function setSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=50')
}

/** Whoever runs Node without one of them has a reason: that stays. */
function setUnoptimised(): void {
  for (const compiler of COMPILERS) {
    const before = cachedDataVersionTag()
    setFlagsFromString(`--no-${compiler}`)
    if (cachedDataVersionTag() !== before) putOff.add(compiler)
  }
}

function setOptimised(): void {
  for (const compiler of putOff) setFlagsFromString(`--${compiler}`)
  putOff.clear()
}

/** V8 knows compiled code by its settings, whichever they are: this is that which a process begins with. */
export const usualTag = cachedDataVersionTag()

/** What `work` gives, which has V8 take or make compiled code: as if nothing here had been called before. */
export function withUsualHeap<T>(work: () => T): T {
  const before = cachedDataVersionTag()
  if (before === usualTag) return work()
  usualHeap()
  try {
    return work()
  } finally {
    setSmall()
    if (cachedDataVersionTag() !== before) setUnoptimised()
  }
}

/** Undoes all that was set here. */
export function usualHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
  setFlagsFromString('--heap-growing-percent=0')
  setOptimised()
}

function shared(name: symbol): Set<string> {
  const own = globalThis as { [name: symbol]: Set<string> | undefined }
  own[name] ??= new Set()
  return own[name]
}
