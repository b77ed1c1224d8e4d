import { type Digest, Digester } from './digest.ts'
import { MemberEnd } from './member-end.ts'
import type { MadePiece } from './piece.ts'
import { writeFully } from './write-fully.ts'

/** What a whole layer is, compressed: see `Layer`. */
export interface LayerEnd {
  readonly digest: Digest
  readonly size: number
}

/** Writes what becomes of pieces one after another to a file, and hashes it. */
export class LayerSink {
  readonly #descriptor: number
  readonly #end = new MemberEnd()
  readonly #written = new Digester()

  /** @param descriptor of an empty file, which the sink does not close */
  constructor(descriptor: number) {
    this.#descriptor = descriptor
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

  /** Completes the file. To be asked once. @throws what the file system says */
  end(): LayerEnd {
    this.#write(this.#end.end())
    return { digest: this.#written.digest(), size: this.size }
  }

  #write(bytes: Uint8Array): void {
    writeFully(this.#descriptor, bytes, this.size)
    this.#written.update(bytes)
  }
}
