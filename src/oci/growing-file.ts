import { close, openSync, readSync } from 'node:fs'
import { promisify } from 'node:util'

const CHUNK = 256 << 10
/** Chunks that are good at a time: a stream holds the one that it sends, the next, and asks for a third. */
const GOOD = 4
const closeAsync = promisify(close)

/** A file that is being written, read from its start meanwhile. Whoever gets one closes it. */
export class GrowingFile {
  readonly #descriptor: number
  #size = 0
  #state: 'growing' | 'whole' | 'gone' = 'growing'
  #news = Promise.withResolvers<void>()
  #closed = false

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r')
  }

  /** For the writer: so many bytes can be read now. */
  grew(size: number): void {
    this.#size = size
    this.#tell()
  }

  /** For the writer: nothing comes any more; the file is complete, or was given up. */
  ended(state: 'whole' | 'gone'): void {
    if (this.#state === 'growing') this.#state = state
    this.#tell()
  }

  /** Whether the file has so many bytes, as soon as that is known. */
  async reaches(size: number): Promise<boolean> {
    while (this.#size < size && this.#state === 'growing') await this.#news.promise
    return this.#size >= size
  }

  /**
   * The bytes from the first on, those that are still to come included. However slow the reader is, the writer does not
   * wait for it. Can be asked again. A chunk is good until the fourth one after it is asked for: new memory for each
   * would pile up faster than it is collected. @throws when the file is given up or closed
   */
  async *bytes(): AsyncGenerator<Uint8Array> {
    const ring = Array.from({ length: GOOD }, () => Buffer.allocUnsafeSlow(CHUNK))
    for (let [at, turn] = [0, 0]; ; turn++) {
      // Whole chunks, for each costs the reader the same.
      await this.reaches(at + CHUNK)
      if (this.#closed) throw new Error('nobody wants the rest of a growing file')
      const buffer = ring[turn % GOOD]!
      // Just written, it is in memory: to ask another thread for it takes longer than to read it.
      const got = readSync(this.#descriptor, buffer, 0, Math.min(CHUNK, this.#size - at), at)
      if (got === 0) break
      yield buffer.subarray(0, got)
      at += got
    }
    if (this.#state !== 'whole') throw new Error('the file was given up')
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await closeAsync(this.#descriptor)
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }
}
