import { type FileHandle, open } from 'node:fs/promises'
import { singleUse } from '../oci/single-use.ts'
import { writeError } from '../oci/write-error.ts'
import { writeFully } from '../oci/write-fully.ts'
import { ArrivedBytes } from './arrived-bytes.ts'

const CHUNK = 512 << 10

/** What had been read already is not what the source has now: read again from the start. */
export class StartedAgain extends Error {
  override readonly name = 'StartedAgain'
}

/** A file that a download is written to, by several writers at once, each at its own place, and read meanwhile. */
export class DownloadFile {
  readonly path: string
  readonly #handle: FileHandle
  readonly #arrived = new ArrivedBytes()
  /** How often what was there has been thrown away. */
  #restarts = 0
  #state: 'growing' | 'whole' | 'gone' = 'growing'
  #news = Promise.withResolvers<void>()

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** A new file that only its owner may read. Whoever creates it closes it. */
  static async create(path: string): Promise<DownloadFile> {
    try {
      return new DownloadFile(path, await open(path, 'wx+', 0o600))
    } catch (error) {
      throw writeError(error, path)
    }
  }

  /** Writes all of `bytes` at byte `at` of the file. @throws DISK_FULL */
  write(at: number, bytes: Uint8Array): void {
    try {
      writeFully(this.#handle.fd, bytes, at)
    } catch (error) {
      throw writeError(error, this.path)
    }
    this.#arrived.add(at, at + bytes.byteLength)
    this.#tell()
  }

  /** Forgets what lies behind byte `size`. */
  async truncate(size: number): Promise<void> {
    if (this.#arrived.prefix > size) this.#restarts++
    this.#arrived.cut(size)
    await this.#handle.truncate(size)
  }

  /** Says that nothing is written any more, because all is there or because it was given up. */
  end(state: 'whole' | 'gone'): void {
    this.#state = state
    this.#tell()
  }

  /** Resolves when there is a first byte, or there will be none. */
  async begun(): Promise<void> {
    while (this.#state === 'growing' && this.#arrived.prefix === 0) await this.#news.promise
  }

  get isEmpty(): boolean {
    return this.#arrived.prefix === 0
  }

  /**
   * The bytes from the first to the last, those that are still to come included; can be asked for again. Chunks are their
   * reader's alone: see `singleUse`.
   * @throws StartedAgain; an Error when the download is given up
   */
  async *bytes(): AsyncGenerator<Uint8Array> {
    const restarts = this.#restarts
    for (let at = 0; ; ) {
      while (at >= this.#arrived.prefix && this.#state === 'growing' && restarts === this.#restarts) {
        await this.#news.promise
      }
      if (restarts !== this.#restarts) throw new StartedAgain()
      if (this.#state === 'gone') throw new Error('the download was given up')
      if (at >= this.#arrived.prefix) return
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, this.#arrived.prefix - at))
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at)
      // It was cut meanwhile, or its bytes are others now.
      if (restarts !== this.#restarts) throw new StartedAgain()
      yield singleUse(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  }

  /** Nobody may be reading any more. */
  async close(): Promise<void> {
    await this.#handle.close()
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }
}
