import { closeSync, constants, openSync, read, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { OcibakeError, systemCode } from '../errors.ts'
import type { Digest } from './digest.ts'
import { type FileGuard, isAsWritten, isRangeAsWritten, isUseRight } from './file-guard.ts'
import { display, fromText } from './name.ts'

/**
 * The bytes of a file, wherever they are. A tree only points at them; nothing is read before `open`.
 * Opening twice gives the same bytes; an implementation whose source changed meanwhile throws FILE_CHANGED.
 */
export interface Content {
  /** Exact number of bytes that `open` yields. */
  readonly size: number
  /** Known for contents whose bytes were hashed anyway. */
  readonly digest?: Digest
  open(): AsyncIterable<Uint8Array>
}

const CHUNK = 1 << 20
/** What is read so fast that to wait for a thread that does it takes longer. */
const SMALL = 1 << 16
const readAsync = promisify(read)

/** Bytes in memory: for generated files and tests. */
export function bytesContent(bytes: Uint8Array | string): Content {
  const held = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  return {
    size: held.byteLength,
    async *open() {
      if (held.byteLength > 0) yield held
    },
  }
}

/** What the store knows of a file of its own. */
export interface StoredFile {
  /** Of all its bytes. */
  readonly digest?: Digest
  /** undefined: whoever reads it has other means to tell. */
  readonly guard?: FileGuard
  /** Removes the file, which is not what was written. @returns the STORE_CORRUPT to throw */
  damaged(): Promise<OcibakeError>
}

/**
 * A file that never changes once it is written (a raw layer tar in the store, a spool) and of which many contents are
 * slices. The descriptor is opened on first use and shared; `close` is for whoever removes the file.
 */
export class SliceFile {
  readonly path: string
  readonly guard: FileGuard | undefined
  /** Of all its bytes, where whoever opened it knows that. */
  readonly digest: Digest | undefined
  readonly #stored: StoredFile | undefined
  #descriptor: number | undefined

  constructor(path: string, stored?: StoredFile) {
    this.path = path
    this.guard = stored?.guard
    this.digest = stored?.digest
    this.#stored = stored
  }

  get descriptor(): number {
    this.#descriptor ??= openSync(this.path, 'r')
    return this.#descriptor
  }

  /** Whether `size` bytes at `at` are what was written, as far as anybody can tell. */
  isRight(at: number, size: number): boolean {
    return this.guard === undefined || isRangeAsWritten(this.guard, this.descriptor, at, size)
  }

  /** Whether what was used of it unseen is right: looks at it. */
  isUseRight(): boolean {
    return this.guard === undefined || isUseRight(this.guard, this.descriptor)
  }

  /** @throws STORE_CORRUPT when what was used of it unseen is not right */
  async checkUse(): Promise<void> {
    if (!this.isUseRight()) throw await this.damaged()
  }

  /** What to throw when it is not what was written; in the store, it is not there any more then. */
  async damaged(): Promise<OcibakeError> {
    if (this.#stored !== undefined) return await this.#stored.damaged()
    return new OcibakeError('STORE_CORRUPT', `${this.path} is not what was written.`, {
      hint: 'Run: ocibake cache verify',
    })
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}

/** `size` bytes of a file from `offset`. */
export class Slice implements Content {
  readonly file: SliceFile
  readonly offset: number
  readonly size: number
  readonly digest?: Digest

  constructor(file: SliceFile, offset: number, size: number, digest?: Digest) {
    this.file = file
    this.offset = offset
    this.size = size
    if (digest !== undefined) this.digest = digest
  }

  /** @throws STORE_CORRUPT when they are not what was written */
  async *open(): AsyncGenerator<Uint8Array> {
    const { file } = this
    let at = this.offset
    const end = this.offset + this.size
    while (at < end) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - at))
      const bytesRead =
        buffer.length > SMALL
          ? (await readAsync(file.descriptor, buffer, 0, buffer.length, at)).bytesRead
          : readSync(file.descriptor, buffer, 0, buffer.length, at)
      const bytes = buffer.subarray(0, bytesRead)
      const isRight = file.guard === undefined || isAsWritten(file.guard, file.descriptor, bytes, at)
      if (bytesRead === 0 || !isRight) throw await file.damaged()
      yield bytes
      at += bytesRead
    }
  }
}

/** What lstat said of a host file when it was taken into the tree, to notice that it changed before it was read. */
export interface HostStamp {
  readonly size: number
  readonly mtimeNs: bigint
  readonly ino: bigint
}

/** A file of the host, read when the layer is written. @throws FILE_CHANGED on open when it is not what was stamped */
export class HostFile implements Content {
  readonly path: Buffer
  readonly stamp: HostStamp

  constructor(path: Buffer, stamp: HostStamp) {
    this.path = path
    this.stamp = stamp
  }

  get size(): number {
    return this.stamp.size
  }

  async *open(): AsyncGenerator<Uint8Array> {
    // Without O_NONBLOCK, opening a fifo that has taken the file's place would wait for ever.
    const handle = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
      throw systemCode(error) === 'ENOENT' ? this.#changed('it is gone', error) : error
    })
    try {
      const now = await handle.stat({ bigint: true })
      if (now.ino !== this.stamp.ino || now.mtimeNs !== this.stamp.mtimeNs || Number(now.size) !== this.size) {
        throw this.#changed('its size or time is another')
      }
      let at = 0
      while (at < this.size) {
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK, this.size - at))
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
        if (bytesRead === 0) throw this.#changed('it became shorter')
        yield buffer.subarray(0, bytesRead)
        at += bytesRead
      }
    } finally {
      await handle.close()
    }
  }

  #changed(how: string, cause?: unknown): OcibakeError {
    const path = display(fromText(this.path.toString('utf8')))
    return new OcibakeError('FILE_CHANGED', `${path} changed while the image was being built: ${how}.`, {
      hint: 'Build again when nothing writes to that folder.',
      cause,
    })
  }
}

/** Of every empty file that an archive has. */
export const EMPTY_CONTENT = bytesContent('')

/** All bytes of a small content. @throws RangeError above `limit` bytes */
export async function readAll(content: Content, limit: number): Promise<Buffer> {
  if (content.size > limit) throw new RangeError(`${content.size} bytes; at most ${limit} are read at once`)
  const chunks: Uint8Array[] = []
  for await (const chunk of content.open()) chunks.push(chunk)
  return Buffer.concat(chunks)
}
