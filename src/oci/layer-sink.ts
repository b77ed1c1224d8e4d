import { ftruncateSync } from 'node:fs'
import { type Digest, Digester } from './digest.ts'
import { FileChecks } from './file-checks.ts'
import { MemberEnd } from './member-end.ts'
import type { MadePiece } from './piece.ts'
import { ResumableDigester } from './resumable-digester.ts'
import { writeFully } from './write-fully.ts'

/** What a whole layer is, compressed: see `Layer`. */
export interface LayerEnd {
  readonly digest: Digest
  readonly size: number
}

/** Where a layer's file is at the end of a section. */
export interface FileMark {
  /** Bytes of the file: whole gzip members. */
  readonly size: number
  /** Of these bytes; see `FileChecks`. */
  readonly checks: Uint32Array
  /** See `ResumableDigester`; of these bytes. */
  readonly state: Uint8Array
}

/** Writes what becomes of pieces one after another to a file, and hashes it. */
export class LayerSink {
  readonly #descriptor: number
  readonly #end = new MemberEnd()
  readonly #written: Digester | ResumableDigester
  /** Of a file that is marked somewhere. */
  readonly #checks: FileChecks | undefined

  /**
   * @param descriptor of a file, which the sink does not close
   * @param from where it goes on; `mark` is going to be asked for if that is said, be it 'start'. Default: the start
   */
  constructor(descriptor: number, from?: FileMark | 'start') {
    this.#descriptor = descriptor
    this.#written = digesterAt(from)
    if (from !== undefined) this.#checks = new FileChecks(from === 'start' ? undefined : from)
  }

  /** Bytes so far. */
  get size(): number {
    return this.#written.size
  }

  /** @returns where in the file the member is @throws what the file system says */
  append(piece: MadePiece): number {
    this.#write(this.#end.before(piece))
    const offset = this.size
    this.#write(piece.member)
    return offset
  }

  /** Ends the member that is open. @throws what the file system says */
  mark(): FileMark {
    if (!(this.#written instanceof ResumableDigester) || this.#checks === undefined) {
      throw new Error('a mark that nobody spoke of before')
    }
    this.#write(this.#end.end())
    return { size: this.size, checks: this.#checks.soFar(), state: this.#written.state() }
  }

  /** Completes the file. To be asked once. @throws what the file system says */
  end(): LayerEnd {
    this.#write(this.#end.end())
    // What was copied to the file before all of it turned out to be made anew.
    ftruncateSync(this.#descriptor, this.size)
    return { digest: this.#written.digest(), size: this.size }
  }

  #write(bytes: Uint8Array): void {
    writeFully(this.#descriptor, bytes, this.size)
    this.#written.update(bytes)
    this.#checks?.push(bytes)
  }
}

function digesterAt(from: FileMark | 'start' | undefined): Digester | ResumableDigester {
  if (from === undefined) return new Digester()
  if (from === 'start') return new ResumableDigester()
  const digester = ResumableDigester.resume(from.state)
  if (digester?.size !== from.size) throw new Error('a mark of another file')
  return digester
}
