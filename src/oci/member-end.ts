import { combineCrc } from './combine-crc.ts'
import { closeMember } from './open-member.ts'
import type { MadePiece } from './piece.ts'

/** Keeps account of a gzip member in several pieces, for its end, which is due when something else than a splice comes. */
export class MemberEnd {
  #open: { crc: number; size: number } | undefined

  /** What has to be written before this piece; no bytes when nothing has. */
  before({ kind, raw, rawCrc = 0 }: Pick<MadePiece, 'kind' | 'raw' | 'rawCrc'>): Uint8Array {
    const size = raw.byteLength
    if (kind === 'splice' && this.#open !== undefined) {
      this.#open = { crc: combineCrc(this.#open.crc, rawCrc, size), size: this.#open.size + size }
      return NOTHING
    }
    const closing = this.end()
    if (kind === 'open') this.#open = { crc: rawCrc, size }
    return closing
  }

  /** What has to be written when nothing comes any more. */
  end(): Uint8Array {
    if (this.#open === undefined) return NOTHING
    const { crc, size } = this.#open
    this.#open = undefined
    return closeMember(crc, size)
  }
}

const NOTHING = new Uint8Array()
