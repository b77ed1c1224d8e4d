import { createReadStream } from 'node:fs'
import { chmod, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { type Digest, Digester, digestOf, hexOf } from './digest.ts'
import type { GrowingFile } from './growing-file.ts'
import type { Descriptor } from './source.ts'
import type { StoreSession } from './store-session.ts'
import { TempFile } from './temp-file.ts'
import { verified } from './verified.ts'
import { writeError } from './write-error.ts'

const CHUNK = 1 << 20

export type StoredBytes = Pick<Descriptor, 'digest' | 'size'>

/** A new file that is not written yet: where to write, and whom to tell how many bytes can be read. */
export type FillingFile = Pick<TempFile, 'descriptor' | 'grew'>

/** Files that are named after the sha256 of their bytes. */
export class StoreBlobs {
  readonly #folder: string
  readonly #session: StoreSession

  constructor(folder: string, session: StoreSession) {
    this.#folder = folder
    this.#session = session
  }

  /** Where a blob is read, pinned or not; it need not be there. */
  path(digest: Digest): string {
    const path = this.#place(digest)
    return this.#session.pinned(path) ?? path
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.#session.pin(this.#place(digest))) !== undefined
  }

  /** Whether it is there in full length. One that is too short or long is damaged, and removed. */
  async hasWhole({ digest, size }: Pick<Descriptor, 'digest' | 'size'>): Promise<boolean> {
    if (!(await this.has(digest))) return false
    if ((await this.size(digest)) === size) return true
    await this.remove(digest)
    return false
  }

  async size(digest: Digest): Promise<number> {
    if (!(await this.has(digest))) throw missing(digest)
    return (await stat(this.path(digest))).size
  }

  /** From the first byte on it is verified as it is read: damage throws at the end, and the blob is removed. */
  async *open(digest: Digest, start: number): AsyncGenerator<Uint8Array> {
    const size = await this.size(digest)
    const bytes = createReadStream(this.path(digest), { start, highWaterMark: CHUNK })
    try {
      yield* start === 0 ? verified(bytes, { digest, size }) : bytes
    } catch (error) {
      if (!(error instanceof OcibakeError) || error.code !== 'BLOB_MISMATCH') throw error
      throw await this.damaged(digest, error)
    } finally {
      bytes.destroy()
    }
  }

  async read(digest: Digest, limit: number): Promise<Buffer> {
    const size = await this.size(digest)
    if (size > limit) {
      throw new OcibakeError('MANIFEST_INVALID', `The document ${digest} has ${size} bytes; at most ${limit} are read.`)
    }
    const bytes = await readFile(this.path(digest))
    if (digestOf(bytes) !== digest) throw await this.damaged(digest)
    return bytes
  }

  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes)
    const file = await this.create(bytes.byteLength)
    try {
      await file.write(bytes)
      await this.commit(file, digest)
    } finally {
      await file.discard()
    }
    return digest
  }

  async write(bytes: AsyncIterable<Uint8Array>, onFile?: (file: GrowingFile) => void): Promise<StoredBytes> {
    const digester = new Digester()
    const file = await this.create()
    try {
      onFile?.(file.follow())
      for await (const chunk of bytes) {
        await file.write(chunk)
        digester.update(chunk)
      }
      const digest = digester.digest()
      await this.commit(file, digest)
      return { digest, size: digester.size }
    } finally {
      await file.discard()
    }
  }

  /** As `write`, of bytes that `fill` has written to the file by itself when it resolves, and whose digest it knows then. */
  async fill<Written extends StoredBytes>(
    fill: (file: FillingFile) => Promise<Written>,
    onFile?: (file: GrowingFile) => void,
  ): Promise<Written> {
    const file = await this.create()
    try {
      onFile?.(file.follow())
      const written = await fill(file).catch((error: unknown) => {
        throw writeError(error, file.path)
      })
      await this.commit(file, written.digest)
      return written
    } finally {
      await file.discard()
    }
  }

  create(needed?: number): Promise<TempFile> {
    return TempFile.create(this.#session.newPath('blob'), needed)
  }

  /** Publishes bytes that were verified while they were written. */
  async commit(file: TempFile, digest: Digest): Promise<void> {
    await this.#publish(file.path, digest, (place) => file.commit(place))
  }

  /** Takes a file on the same disk for a blob; its bytes were verified. It is no longer where it was. */
  async adopt(path: string, digest: Digest): Promise<void> {
    await chmod(path, 0o644)
    await this.#publish(path, digest, (place) => rename(path, place))
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.#place(digest), { force: true })
    await this.#session.unpin(this.#place(digest))
  }

  async #publish(path: string, digest: Digest, commit: (place: string) => Promise<void>): Promise<void> {
    const place = this.#place(digest)
    // What was looked at before may be damaged: it is being replaced.
    await this.#session.unpin(place)
    await this.#session.publish(path, place, () => commit(place))
  }

  #place(digest: Digest): string {
    return join(this.#folder, hexOf(digest))
  }

  /** Removes a blob that is not what it should be. @returns the STORE_CORRUPT to throw */
  async damaged(digest: Digest, cause?: unknown): Promise<OcibakeError> {
    await this.remove(digest)
    return new OcibakeError('STORE_CORRUPT', `The store's copy of ${digest} was damaged, and has been removed.`, {
      hint: 'Run the same command again: what is missing is fetched anew.',
      cause,
    })
  }
}

function missing(digest: Digest): OcibakeError {
  return new OcibakeError('STORE_CORRUPT', `The store has no ${digest} any more.`, {
    hint: 'Run the same command again: what is missing is fetched anew.',
  })
}
