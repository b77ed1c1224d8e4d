import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { messageOf } from '../errors.ts'
import type { GzipBlocks } from './gzip-blocks.ts'
import { GzipReader } from './gzip-reader.ts'

/** What there is of a file now. The first time, it begins the scan of that number. */
export interface ScanNews {
  readonly scan: number
  /** Is kept open until the answer has come. */
  readonly descriptor: number
  /** Bytes that may be read. */
  readonly size: number
  readonly state: 'growing' | 'whole' | 'gone'
  /** The sha256 of the file is wanted, too. */
  readonly hashed: boolean
}

/** The one answer to a scan, when its file is whole and read, or gone. */
export interface ScanAnswer {
  readonly scan: number
  /** undefined: nothing was found that can be used. */
  readonly blocks?: GzipBlocks | undefined
  /** sha256 in hex. */
  readonly sha256?: string | undefined
  /** Why there is no answer. */
  readonly failure?: string
}

interface Scan {
  news: ScanNews
  /** Bytes that were read. */
  at: number
  readonly scanner: GzipReader
  readonly hash: Hash | undefined
}

const STEP = 1 << 20
const buffer = new Uint8Array(STEP)
const scans = new Map<number, Scan>()
let running = false

parentPort?.on('message', (news: ScanNews) => {
  const known = scans.get(news.scan)
  if (known !== undefined) known.news = news
  else {
    const hash = news.hashed ? createHash('sha256') : undefined
    scans.set(news.scan, { news, at: 0, scanner: new GzipReader(), hash })
  }
  if (!running) void run()
})

/** A step of each file in turn, and news between them, until all that is there was read. */
async function run(): Promise<void> {
  running = true
  while (stepAll()) await setImmediate()
  running = false
}

/** Whether there was something to do. */
function stepAll(): boolean {
  let busy = false
  for (const scan of scans.values()) if (step(scan)) busy = true
  return busy
}

/** As `stepAll`, for one. */
function step(scan: Scan): boolean {
  const { size, state } = scan.news
  try {
    if (state === 'gone') answer({ scan: scan.news.scan, failure: 'the file was given up' })
    else if (scan.at < size) read(scan)
    else if (state === 'whole') finish(scan)
    else return false
  } catch (error) {
    answer({ scan: scan.news.scan, failure: messageOf(error) })
  }
  return true
}

function read(scan: Scan): void {
  const { descriptor, size } = scan.news
  const got = readSync(descriptor, buffer, 0, Math.min(STEP, size - scan.at), scan.at)
  if (got === 0) throw new Error(`the file ends at byte ${scan.at}; wanted ${size}`)
  const chunk = buffer.subarray(0, got)
  scan.hash?.update(chunk)
  scan.scanner.push(chunk)
  scan.at += got
}

function finish({ news, scanner, hash }: Scan): void {
  answer({ scan: news.scan, blocks: scanner.end(), sha256: hash?.digest('hex') })
}

function answer(said: ScanAnswer): void {
  scans.delete(said.scan)
  parentPort?.postMessage(said, memoryOf(said.blocks))
}

/** What is handed over instead of copied. */
function memoryOf(blocks: GzipBlocks | undefined): ArrayBuffer[] {
  const arrays = blocks === undefined ? [] : [blocks.raw, blocks.start, blocks.end, blocks.flags, blocks.checks]
  return [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))]
}
