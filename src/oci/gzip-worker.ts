import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { damagedData } from './damaged-data.ts'
import type { Digest } from './digest.ts'
import type { GzipBlocks } from './gzip-blocks.ts'
import { GzipReader } from './gzip-reader.ts'
import { InflatedTar, type UnpackOrder } from './inflated-tar.ts'
import { Inflater } from './inflater.ts'
import { failureOf, type ThreadFailure } from './thread-failure.ts'

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
  /** What it holds is wanted as a raw tar. */
  readonly unpack?: UnpackOrder | undefined
}

/** The one answer to a scan, when its file is whole and read, or gone. */
export interface ScanAnswer {
  readonly scan: number
  /** undefined: nothing was found that can be used. */
  readonly blocks?: GzipBlocks | undefined
  /** sha256 in hex. */
  readonly sha256?: string | undefined
  /** If it was to be unpacked. */
  readonly tar?: { readonly diffId: Digest; readonly index: Uint8Array } | undefined
  /** Why there is no answer, and the first bytes of what was unpacked before. */
  readonly failure?: ThreadFailure
  readonly head?: Uint8Array | undefined
}

interface Scan {
  news: ScanNews
  /** Bytes that were read. */
  at: number
  readonly reader: GzipReader
  readonly hash: Hash | undefined
  readonly tar: InflatedTar | undefined
}

const STEP = 1 << 20
const buffer = new Uint8Array(STEP)
const scans = new Map<number, Scan>()
/** Scans that were answered: news of them may have been under way. */
const answered = new Set<number>()
let running = false

parentPort?.on('message', (news: ScanNews) => {
  if (answered.has(news.scan)) return
  const known = scans.get(news.scan)
  if (known !== undefined) known.news = news
  else begin(news)
  if (!running) void run()
})

function begin(news: ScanNews): void {
  try {
    const tar = news.unpack && new InflatedTar(news.unpack)
    const hash = news.hashed ? createHash('sha256') : undefined
    const scan: Scan = { news, at: 0, reader: new GzipReader(inflaterFor(() => scan, tar)), hash, tar }
    scans.set(news.scan, scan)
  } catch (error) {
    post({ scan: news.scan, failure: failureOf(error) })
  }
}

function inflaterFor(scan: () => Scan, tar: InflatedTar | undefined): Inflater {
  return new Inflater(tar && ((raw) => tar.push(raw, scan().at)))
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
  for (const scan of scans.values()) if (step(scan)) busy = true
  return busy
}

/** As `stepAll`, for one. */
function step(scan: Scan): boolean {
  const { size, state } = scan.news
  try {
    if (state === 'gone') throw new Error('the file was given up')
    if (scan.at < size) read(scan)
    else if (state === 'whole') finish(scan)
    else return false
  } catch (error) {
    answer(scan, { failure: failureOf(error), head: scan.tar?.head })
  }
  return true
}

function read(scan: Scan): void {
  const { descriptor, size } = scan.news
  const got = readSync(descriptor, buffer, 0, Math.min(STEP, size - scan.at), scan.at)
  if (got === 0) throw new Error(`the file ends at byte ${scan.at}; wanted ${size}`)
  const chunk = buffer.subarray(0, got)
  scan.at += got
  scan.hash?.update(chunk)
  scan.reader.push(chunk)
  refuseFault(scan)
}

function finish(scan: Scan): void {
  const { reader, hash, tar } = scan
  const blocks = reader.end()
  refuseFault(scan)
  answer(scan, { blocks, sha256: hash?.digest('hex'), tar: tar?.end() })
}

/** What is only looked at may be anything. */
function refuseFault({ reader: { fault }, at, news: { unpack } }: Scan): void {
  if (unpack !== undefined && fault !== undefined) throw damagedData(unpack.what, 'gzip', at, fault)
}

function answer({ news: { scan }, tar }: Scan, said: Omit<ScanAnswer, 'scan'>): void {
  scans.delete(scan)
  tar?.close()
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
