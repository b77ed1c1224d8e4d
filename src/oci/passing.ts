/** Chunks that are good at a time, for whoever holds one while the next one comes. */
const GOOD = 2

/**
 * The same chunks, for whoever does not keep them: one is good until the second one after it comes, and then its memory is
 * freed. Left to be collected, the chunks of a layer grow to 64 MB before the collector comes, again and again.
 * @param chunks fill their memory from its start to its end, perhaps together with those right before them; what shares
 * memory with others than these is not to be given
 */
export async function* passing(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const given: Uint8Array[] = []
  for await (const chunk of chunks) {
    given.push(chunk)
    if (given.length > GOOD) free(given.shift()!)
    yield chunk
  }
}

/** What ends before its memory does may have more of it coming. */
function free({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteOffset + byteLength === buffer.byteLength) buffer.transfer(0)
}
