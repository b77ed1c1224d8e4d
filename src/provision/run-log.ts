import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFoldersSync } from '../oci/make-folders.ts'
import { writeError } from '../oci/write-error.ts'
import type { OnLine } from './sandbox.ts'
import type { Tools } from './step.ts'

const BATCH = 64 * 1024
const LAST_LINES = 20
/** Bytes. Nobody reads more, and a script that prints for ever must not fill the disk. */
const MOST = 64 << 20

/**
 * The output of a script in a file, and its last lines in memory. The file has all of it up to `most` bytes; of more, the
 * first so many and the last lines.
 */
export class RunLog {
  readonly path: string
  readonly last: string[] = []
  readonly #descriptor: number
  readonly #most: number
  #pending = ''
  #size = 0
  #leftOut = 0

  /** Replaces the log of an earlier build. @throws DISK_FULL */
  constructor(path: string, most = MOST) {
    this.path = path
    this.#most = most
    try {
      makeFoldersSync(dirname(path))
      // Another build of the same spec may be writing to it right now: that one keeps its file.
      rmSync(path, { force: true })
      this.#descriptor = openSync(path, 'w', 0o600)
    } catch (error) {
      throw writeError(error, path)
    }
  }

  /** @throws DISK_FULL */
  add(line: string): void {
    this.last.push(line)
    if (this.last.length > LAST_LINES) this.last.shift()
    if (this.#size > this.#most) {
      this.#leftOut++
      return
    }
    this.#pending += `${line}\n`
    this.#size += line.length + 1
    // Written at once, not queued: a flood then slows the script down instead of filling the memory.
    if (this.#pending.length > BATCH) this.#write()
  }

  /** To be called once. @throws DISK_FULL */
  close(): void {
    try {
      if (this.#leftOut > LAST_LINES) this.#pending += `[lines left out here: ${this.#leftOut - LAST_LINES}]\n`
      if (this.#leftOut > 0) for (const line of this.last.slice(-this.#leftOut)) this.#pending += `${line}\n`
      this.#write()
    } finally {
      closeSync(this.#descriptor)
    }
  }

  #write(): void {
    const bytes = Buffer.from(this.#pending)
    this.#pending = ''
    try {
      for (let done = 0; done < bytes.byteLength; ) done += writeSync(this.#descriptor, bytes, done)
    } catch (error) {
      // Nobody else removes it: what it has taken is given back to the disk that it has filled.
      ftruncateSync(this.#descriptor, 0)
      throw writeError(error, this.path)
    }
  }
}

/** Takes the lines of a command: to the report and to the log, without what `redact` hides. */
export function outputTo(log: RunLog, { report, build }: Tools, redact: (line: string) => string): OnLine {
  return (stream, raw) => {
    const line = redact(raw)
    report({ type: 'output', step: build.step, stream, line })
    log.add(line)
  }
}
