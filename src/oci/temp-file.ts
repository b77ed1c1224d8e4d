import { writeSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { GrowingFile } from './growing-file.ts'
import { refuseTooLarge, writeError } from './write-error.ts'

/** Bytes that are written before signals and sockets have their turn, if nobody else waits for anything. */
const AT_ONCE = 4 << 20

/** Who wants to know how far a file is written. */
export interface Follower {
  /** So many bytes can be read now. */
  grew(size: number): void
  /** Nothing comes any more: the file is complete and has its name, or was given up. Called once or more; the first counts. */
  ended(state: 'whole' | 'gone'): void
}

/**
 * A file being written that nobody sees before `commit` renames it, complete, to where it belongs. Whoever creates one
 * ends it with `commit` or `discard`.
 *
 * There is no fsync: a process that is killed leaves nothing half-written under a final name, and after a power cut
 * readers notice a file that is shorter than it must be (every reader of the store knows the size) or fails `verify`.
 */
export class TempFile {
  readonly path: string
  readonly #handle: FileHandle
  readonly #needed: number | undefined
  /** Bytes since others had their turn. */
  #atOnce = 0
  #follower: Follower | undefined
  size = 0

  private constructor(path: string, handle: FileHandle, needed: number | undefined) {
    this.path = path
    this.#handle = handle
    this.#needed = needed
  }

  /**
   * @param needed bytes that are going to be written, if known: it does not begin when there is no room for them
   * @throws DISK_FULL
   */
  static async create(path: string, needed?: number): Promise<TempFile> {
    refuseTooLarge(path, needed)
    try {
      return new TempFile(path, await open(path, 'wx'), needed)
    } catch (error) {
      throw writeError(error, path, needed)
    }
  }

  /** The bytes can change when it resolves. @throws DISK_FULL */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      // To have another thread put them into the kernel's memory takes longer than to do it.
      for (let at = 0; at < bytes.byteLength; ) at += writeSync(this.#handle.fd, bytes, at, bytes.byteLength - at)
    } catch (error) {
      throw writeError(error, this.path, this.#needed)
    }
    this.grew(this.size + bytes.byteLength)
    this.#atOnce += bytes.byteLength
    if (this.#atOnce < AT_ONCE) return
    this.#atOnce = 0
    await setImmediate()
  }

  /** The file as it grows: to be asked for once, before `commit`. */
  follow(): GrowingFile {
    const growing = new GrowingFile(this.path)
    this.tell(growing)
    return growing
  }

  /** The one who is told from now on how far the file is written. */
  tell(follower: Follower): void {
    this.#follower = follower
  }

  /** For somebody else who writes to the file, instead of `write`, and tells by `grew` how far that is. */
  get descriptor(): number {
    return this.#handle.fd
  }

  grew(size: number): void {
    this.size = size
    this.#follower?.grew(size)
  }

  /** Completes the file and gives it its final name, over one that is there. @throws DISK_FULL */
  async commit(target: string): Promise<void> {
    await this.#handle.close().catch((error: unknown) => {
      throw writeError(error, this.path, this.#needed)
    })
    await rename(this.path, target).catch((error: unknown) => {
      throw writeError(error, target, this.#needed)
    })
    this.#follower?.ended('whole')
  }

  /** Forgets the file; safe after `commit` too. */
  async discard(): Promise<void> {
    this.#follower?.ended('gone')
    await this.#handle.close().catch(() => {})
    await rm(this.path, { force: true })
  }
}
