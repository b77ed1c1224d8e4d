import { readSync } from 'node:fs'
import type { SliceFile } from './content.ts'
import { noteUse } from './file-guard.ts'

/** What is read at once: a few small members of a tar. */
const AHEAD = 8 << 10
const NOTHING = Buffer.alloc(0)

/**
 * Small parts of files that never change, read mostly forwards: a part beside the last one costs no system call.
 * Whether they are what was written has to be asked at the end: see `SliceFile.checkUse`.
 */
export class FileWindow {
  /** No part may be longer. */
  static readonly LIMIT = 64 << 10
  readonly #buffer = Buffer.allocUnsafe(FileWindow.LIMIT)
  #file: SliceFile | undefined
  #start = 0
  #held: Buffer = NOTHING

  /** `size` bytes from `at` on, a view that lasts until the next call; undefined when the file ends before. */
  read(file: SliceFile, at: number, size: number): Buffer | undefined {
    if (file !== this.#file || at < this.#start || at + size > this.#start + this.#held.length) {
      this.#fill(file, at, Math.max(size, AHEAD))
    }
    const from = at - this.#start
    return from + size > this.#held.length ? undefined : this.#held.subarray(from, from + size)
  }

  #fill(file: SliceFile, at: number, size: number): void {
    let got = 0
    for (let last = -1; got < size && last !== 0; got += last) {
      last = readSync(file.descriptor, this.#buffer, got, size - got, at + got)
    }
    this.#file = file
    this.#start = at
    this.#held = this.#buffer.subarray(0, got)
    if (file.guard !== undefined) noteUse(file.guard, at, got)
  }
}
