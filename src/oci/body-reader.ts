import type { Content } from './content.ts'
import { exactBytes } from './layer-bytes.ts'
import type { PieceBody } from './piece.ts'

/** Reads bodies that only the main thread can read, piece by piece; a content is opened once for all of its pieces. */
export class BodyReader {
  #content: Content | undefined
  #bytes: AsyncIterator<Uint8Array> | undefined
  /** What is left of the last chunk. */
  #rest: Uint8Array = new Uint8Array()
  /** Where in the content `#rest` starts. */
  #at = 0

  /** Puts the body's bytes where they belong in `piece`. @throws FILE_CHANGED; whatever the content throws */
  async read({ path, content, start, size, at }: PieceBody, piece: Uint8Array): Promise<void> {
    if (this.#content !== content || this.#at !== start) {
      await this.close()
      this.#content = content
      this.#bytes = exactBytes(path, content)[Symbol.asyncIterator]()
    }
    const end = start + size
    while (this.#at < end) {
      if (this.#rest.byteLength === 0) await this.#pull()
      // What is before the start was in pieces that a thread has read by itself.
      const from = Math.min(Math.max(start - this.#at, 0), this.#rest.byteLength)
      const to = Math.min(end - this.#at, this.#rest.byteLength)
      piece.set(this.#rest.subarray(from, to), at + this.#at + from - start)
      this.#at += to
      this.#rest = this.#rest.subarray(to)
    }
    if (end < content.size) return
    // A content that goes on after its size throws now.
    while (this.#bytes !== undefined && (await this.#bytes.next()).done !== true);
    await this.close()
  }

  async close(): Promise<void> {
    const bytes = this.#bytes
    this.#content = undefined
    this.#bytes = undefined
    this.#rest = new Uint8Array()
    this.#at = 0
    await bytes?.return?.()
  }

  async #pull(): Promise<void> {
    const next = await this.#bytes!.next()
    this.#rest = next.done === true ? new Uint8Array() : next.value
  }
}
