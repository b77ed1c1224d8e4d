import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { decodeBlocks, encodeBlocks, type FoundBlocks } from './block-index.ts'
import { SliceFile } from './content.ts'
import { type Digest, hexOf } from './digest.ts'
import type { EarlyScan } from './early-scan.ts'
import type { GzipScan } from './file-scan.ts'
import { isGzipFile } from './gzip-head.ts'
import { GzipScans, type ScanWishes } from './gzip-scans.ts'
import type { Descriptor } from './source.ts'
import type { StoreBlobs } from './store-blobs.ts'
import type { StoreSession } from './store-session.ts'
import { TempFile } from './temp-file.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Bytes of a blob. Compressing as much again takes less than to start the thread that looks for its blocks. */
const LEAST = 64 << 10

/** Whether it is worth while to look for blocks in a blob of this size. The same blob gives the same answer. */
export function hasUsefulBlocks({ size }: Pick<Descriptor, 'size'>): boolean {
  return size >= LEAST
}

/**
 * Where the deflate blocks of gzip blobs are. A blob is looked at once, beside its download if somebody asks in time.
 * An index that is damaged is made again.
 */
export class StoreBlocks {
  readonly #folder: string
  readonly #blobs: StoreBlobs
  readonly #session: StoreSession
  readonly #scans: GzipScans
  /** Looks at blobs while they were written; undefined: it came to nothing. */
  readonly #watched = new Map<Digest, Promise<FoundBlocks | undefined>>()
  /** Looks at blobs that were in the store already. */
  readonly #looked = new Map<Digest, Promise<FoundBlocks>>()
  /** By path: a blob that was replaced is another file. */
  readonly #files = new Map<string, SliceFile>()

  /** @param early a thread that was started before, to look at blobs; it ends with `close` */
  constructor(folder: string, blobs: StoreBlobs, session: StoreSession, early?: EarlyScan) {
    this.#folder = folder
    this.#blobs = blobs
    this.#session = session
    this.#scans = new GzipScans(early?.take())
  }

  /** Looks at a file, as far as the scan is told of it. Whoever tells it ends it, too. */
  watch(path: string, wishes?: ScanWishes): GzipScan {
    return this.#scans.start(path, wishes)
  }

  /** What a scan, or something that depends on one, gives. @throws the reason of the signal */
  async waitFor<T>(found: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return await this.#scans.waitFor(unlessAborted(found, signal))
  }

  /** The file that is looked at is going to be this blob: what is found is kept when it is. */
  expect(blob: Digest, scan: GzipScan): void {
    if (this.#watched.has(blob)) return
    const found = this.#keepFound(blob, scan).catch(() => undefined)
    this.#watched.set(blob, found)
    void found.then((blocks) => {
      if (blocks === undefined) this.#watched.delete(blob)
    })
  }

  /** Has a thread ready before there is something to watch. */
  prepareThread(): void {
    this.#scans.prepare()
  }

  /** Begins to look at a blob that is there, unless that was done before. */
  prepare(blob: Digest): void {
    // Whoever asks for the blocks gets the error.
    if (!this.#watched.has(blob)) this.#look(blob).catch(() => {})
  }

  /** What is in a blob of the store. @throws STORE_CORRUPT when it is not there or damaged; the reason of the signal */
  async of(blob: Digest, signal: AbortSignal): Promise<FoundBlocks> {
    signal.throwIfAborted()
    return await this.waitFor(this.#find(blob), signal)
  }

  /** The blob to read from: one object a blob. It must be there. */
  file(blob: Digest): SliceFile {
    const path = this.#blobs.path(blob)
    const file =
      this.#files.get(path) ?? new SliceFile(path, { digest: blob, damaged: () => this.#blobs.damaged(blob) })
    this.#files.set(path, file)
    return file
  }

  /** Ends what is under way; of blobs that were being looked at, nothing is kept. */
  async close(): Promise<void> {
    await this.#scans.close()
    await Promise.allSettled([...this.#watched.values(), ...this.#looked.values()])
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
  }

  async #find(blob: Digest): Promise<FoundBlocks> {
    return (await this.#watched.get(blob)) ?? (await this.#look(blob))
  }

  #look(blob: Digest): Promise<FoundBlocks> {
    const before = this.#looked.get(blob)
    if (before !== undefined) return before
    const looked = this.#read(blob).then((blocks) => blocks ?? this.#scanGzip(blob))
    this.#looked.set(blob, looked)
    looked.catch(() => this.#looked.delete(blob))
    return looked
  }

  async #scanGzip(blob: Digest): Promise<FoundBlocks> {
    const size = await this.#blobs.size(blob)
    if (!(await isGzipFile(this.#blobs.path(blob)))) return 'none'
    // What an index says is true of the right bytes alone.
    const scan = this.#scans.start(this.#blobs.path(blob), { hashed: true })
    scan.grew(size)
    scan.ended('whole')
    const { sha256 } = await scan.answer
    if (sha256 !== hexOf(blob)) throw await this.#blobs.damaged(blob)
    return await this.#keepFound(blob, scan)
  }

  async #keepFound(blob: Digest, scan: GzipScan): Promise<FoundBlocks> {
    const { blocks = 'none' } = await scan.answer
    const file = await TempFile.create(this.#session.newPath('blocks'))
    try {
      await file.write(encodeBlocks(blob, blocks))
      await file.commit(this.#path(blob))
    } finally {
      await file.discard()
    }
    return blocks
  }

  /** undefined when there is no index, or none that can be read; then it is removed. */
  async #read(blob: Digest): Promise<FoundBlocks | undefined> {
    const bytes = await readFile(this.#path(blob)).catch(() => undefined)
    if (bytes === undefined) return undefined
    try {
      const blocks = decodeBlocks(bytes, blob)
      if (blocks !== undefined) return blocks
    } catch (error) {
      if (!(error instanceof OcibakeError)) throw error
    }
    await rm(this.#path(blob), { force: true })
    return undefined
  }

  #path(blob: Digest): string {
    return join(this.#folder, hexOf(blob))
  }
}
