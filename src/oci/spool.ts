import { closeSync, constants, fstatSync, openSync, readSync, type Stats, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { OcibakeError } from '../errors.ts'
import { type Content, Slice, SliceFile } from './content.ts'
import { display, fromBytes } from './name.ts'
import { removeTree } from './remove-tree.ts'
import { writeError } from './write-error.ts'

const CHUNK = 1 << 20
const buffer = Buffer.allocUnsafe(CHUNK)
// Without O_NONBLOCK, opening a fifo that has taken the file's place would wait for ever.
const AS_A_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Bytes that a build made and that live as long as it: slices of one temporary file. Calls may overlap; each gives
 * bytes that stand together.
 */
export class Spool {
  readonly #file: SliceFile
  readonly #handle: FileHandle
  /** Where the next bytes go: what is before it is taken or reserved. */
  #end = 0
  /** The `append` under way: until it is done nobody knows where its bytes end. */
  #growing: Promise<unknown> = Promise.resolve()

  private constructor(path: string, handle: FileHandle) {
    this.#file = new SliceFile(path)
    this.#handle = handle
  }

  static async create(path: string): Promise<Spool> {
    try {
      return new Spool(path, await open(path, 'wx'))
    } catch (error) {
      throw writeError(error, path)
    }
  }

  /** @throws DISK_FULL; whatever `bytes` throws */
  append(bytes: AsyncIterable<Uint8Array>): Promise<Content> {
    const grow = async () => {
      const start = this.#end
      let at = start
      for await (const chunk of bytes) {
        await this.#write(chunk, at)
        at += chunk.byteLength
      }
      this.#end = at
      return new Slice(this.#file, start, at - start)
    }
    const grown = this.#growing.then(grow)
    this.#growing = grown.catch(() => {})
    return grown
  }

  /**
   * The bytes of a host file: of the file itself, never of one that a symlink points to.
   * @param size what lstat said
   * @throws FILE_CHANGED when it is no regular file of this size; DISK_FULL
   */
  async appendFile(path: Buffer, size: number): Promise<Content> {
    const start = await this.#reserve(size)
    if (size > CHUNK) await this.#copyLarge(path, size, start)
    else if (size > 0) this.#copySmall(path, size, start)
    return new Slice(this.#file, start, size)
  }

  /** Without promises, of which thousands of files would need five each. */
  #copySmall(path: Buffer, size: number, start: number): void {
    const source = openSync(path, AS_A_FILE)
    try {
      check(path, fstatSync(source), size)
      for (let done = 0; done < size; ) {
        const got = readSync(source, buffer, done, size - done, done)
        if (got === 0) throw ended(path, done, size)
        done += got
      }
    } finally {
      closeSync(source)
    }
    try {
      const { fd } = this.#handle
      for (let done = 0; done < size; ) done += writeSync(fd, buffer, done, size - done, start + done)
    } catch (error) {
      throw writeError(error, this.#file.path)
    }
  }

  async #copyLarge(path: Buffer, size: number, start: number): Promise<void> {
    const source = await open(path, AS_A_FILE)
    try {
      check(path, await source.stat(), size)
      for (let done = 0; done < size; ) {
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - done))
        const { bytesRead } = await source.read(chunk, 0, chunk.byteLength, done)
        if (bytesRead === 0) throw ended(path, done, size)
        await this.#write(chunk.subarray(0, bytesRead), start + done)
        done += bytesRead
      }
    } finally {
      await source.close()
    }
  }

  /** Nothing will be appended any more; the contents stay readable. Safe to call twice. */
  async seal(): Promise<void> {
    await this.#growing
    await this.#handle.close().catch(() => {})
  }

  /** The contents are gone with it. Safe to call twice. */
  async dispose(): Promise<void> {
    await this.seal()
    this.#file.close()
    await removeTree(this.#file.path)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  async #reserve(size: number): Promise<number> {
    for (let before: unknown; before !== this.#growing; ) {
      before = this.#growing
      await before
    }
    const start = this.#end
    this.#end += size
    return start
  }

  async #write(bytes: Uint8Array, start: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.byteLength - done, start + done)
        done += bytesWritten
      }
    } catch (error) {
      throw writeError(error, this.#file.path)
    }
  }
}

function check(path: Buffer, found: Stats, size: number): void {
  if (!found.isFile() || found.size !== size) throw changed(path, `it has ${found.size} bytes; wanted ${size}`)
}

const ended = (path: Buffer, done: number, size: number) =>
  changed(path, `it ended after ${done} bytes; wanted ${size}`)

function changed(path: Buffer, how: string): OcibakeError {
  return new OcibakeError('FILE_CHANGED', `${display(fromBytes(path))} changed while it was being read: ${how}.`, {
    hint: 'See that nothing is left running that writes to it.',
  })
}
