import { OcibakeError } from '../errors.ts'

/** Opens a stream of bytes that starts at byte `start` of the whole. */
export type OpenAt = (start: number) => AsyncIterable<Uint8Array>

/** Streams that may break one after the other without the whole being given up. */
const LIMIT = 5

/**
 * The bytes from the first one on; when a stream ends short of `size` or fails, the next one is opened where it stopped,
 * as long as each brings at least one byte, at most 5 times. An OcibakeError is final: whoever threw it has tried
 * enough already. What comes of it in the end must be verified by its digest.
 */
export async function* resumed(open: OpenAt, size: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  let at = 0
  for (let broken = 0; ; broken++) {
    const start = at
    try {
      for await (const chunk of open(start)) {
        signal?.throwIfAborted()
        at += chunk.byteLength
        yield chunk
      }
      if (at >= size || at === start || broken === LIMIT) return
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof OcibakeError || at === start || broken === LIMIT) throw error
    }
  }
}
