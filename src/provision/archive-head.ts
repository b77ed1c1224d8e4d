import { OcibakeError } from '../errors.ts'
import { lookOf } from './archive-look.ts'
import type { SourceNames } from './start-fetch.ts'

const BLOCK = 512

/** Remembers the first block of a stream that passes by: what it says of a stream that turns out to be no tar. */
export class ArchiveHead {
  #bytes = Buffer.alloc(0)

  async *of(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      this.see(chunk)
      yield chunk
    }
  }

  /** The next bytes of the stream. */
  see(chunk: Uint8Array): void {
    if (this.#bytes.byteLength < BLOCK) this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, BLOCK)])
  }

  /** Whether the first block is a header, its checksum being right, or zeros. */
  get #isTar(): boolean {
    const block = this.#bytes.subarray(0, BLOCK)
    if (block.byteLength < BLOCK) return false
    const wanted = Number.parseInt(block.toString('latin1', 148, 156), 8)
    const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
    return sum === wanted || sum === 8 * 0x20
  }

  /** What is wrong with the archive, in words for whoever named it. */
  explain(error: OcibakeError, { name, source }: SourceNames): OcibakeError {
    if (error.message.includes(name)) return error
    const detail = {
      hint: 'Check the address: tar, tar.gz, tar.zst, tar.xz and tar.bz2 can be unpacked.',
      cause: error,
    }
    if (this.#isTar)
      return new OcibakeError('ARCHIVE_INVALID', `${name}: ${error.message}`, {
        ...detail,
        hint: 'Fetch or make it again.',
      })
    return new OcibakeError(
      'ARCHIVE_INVALID',
      `${source} is no tar archive; it looks like ${lookOf(this.#bytes)}.`,
      detail,
    )
  }
}
