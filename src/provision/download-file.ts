import { type FileHandle, open } from 'node:fs/promises'
import { writeError } from '../oci/write-error.ts'

/** A file that a download is written to, by several writers at once, each at its own place. */
export class DownloadFile {
  readonly path: string
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** A new file that only its owner may read. Whoever creates it closes it. */
  static async create(path: string): Promise<DownloadFile> {
    try {
      return new DownloadFile(path, await open(path, 'wx', 0o600))
    } catch (error) {
      throw writeError(error, path)
    }
  }

  /** Writes all of `bytes` at byte `at` of the file. @throws DISK_FULL */
  async write(at: number, bytes: Uint8Array): Promise<void> {
    let done = 0
    try {
      while (done < bytes.byteLength) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.byteLength - done, at + done)
        done += bytesWritten
      }
    } catch (error) {
      throw writeError(error, this.path)
    }
  }

  /** Forgets what lies behind byte `size`. */
  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
