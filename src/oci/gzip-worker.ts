import { readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import type { GzipBlocks } from './gzip-blocks.ts'
import { GzipPass } from './gzip-pass.ts'
import type { ScanAnswer, ScanNews, ScanProgress } from './scan-messages.ts'
import { failureOf } from './thread-failure.ts'

const STEP = 1 << 20
const buffer = new Uint8Array(STEP)
const passes = new Map<number, GzipPass>()
/** Scans that were answered: news of them may have been under way. */
const answered = new Set<number>()
let running = false

parentPort?.on('message', (news: ScanNews) => {
  if (answered.has(news.scan)) return
  const known = passes.get(news.scan)
  if (known !== undefined) known.news = news
  else begin(news)
  if (!running) void run()
})

function begin(news: ScanNews): void {
  const { scan } = news
  try {
    const tell = (wrote: number) => parentPort?.postMessage({ scan, wrote } satisfies ScanProgress)
    passes.set(scan, new GzipPass(news, tell))
  } catch (error) {
    post({ scan, failure: failureOf(error) })
  }
}

/** A step of each file in turn, and news between them, until all that is there was read. */
async function run(): Promise<void> {
  running = true
  while (stepAll()) await setImmediate()
  running = false
}

/** Whether there was something to do. */
function stepAll(): boolean {
  let busy = false
  for (const pass of passes.values()) if (step(pass)) busy = true
  return busy
}

/** As `stepAll`, for one. */
function step(pass: GzipPass): boolean {
  const { size, state } = pass.news
  try {
    if (state === 'gone') throw new Error('the file was given up')
    if (pass.at < size) pass.push(nextOf(pass))
    else if (state === 'whole') answer(pass, pass.end())
    else return false
  } catch (error) {
    const { head, written } = pass.unpacked ?? {}
    answer(pass, { failure: failureOf(error), head, written })
  }
  return true
}

/** The next bytes, in memory that is used again by the next ones of any file. */
function nextOf(pass: GzipPass): Uint8Array {
  const { descriptor, size } = pass.news
  const got = readSync(descriptor, buffer, 0, Math.min(STEP, size - pass.at), pass.at)
  if (got === 0) throw new Error(`the file ends at byte ${pass.at}; wanted ${size}`)
  pass.at += got
  return buffer.subarray(0, got)
}

function answer(pass: GzipPass, said: Omit<ScanAnswer, 'scan'>): void {
  const { scan } = pass.news
  passes.delete(scan)
  pass.close()
  post({ scan, ...said })
}

function post(said: ScanAnswer): void {
  answered.add(said.scan)
  parentPort?.postMessage(said, memoryOf(said.blocks))
}

/** What is handed over instead of copied. */
function memoryOf(blocks: GzipBlocks | undefined): ArrayBuffer[] {
  const arrays = blocks === undefined ? [] : [blocks.raw, blocks.start, blocks.end, blocks.flags, blocks.checks]
  return [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))]
}
