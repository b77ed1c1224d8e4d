/**
 * The same bytes in chunks of at least `least` bytes, the last one excepted: what is hashed, inflated and written in
 * the pieces that sockets give costs a sixth more than in larger ones.
 */
export async function* gathered(bytes: AsyncIterable<Uint8Array>, least: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let size = 0
  for await (const chunk of bytes) {
    held.push(chunk)
    size += chunk.byteLength
    if (size < least) continue
    yield joined(held)
    held = []
    size = 0
  }
  if (size > 0) yield joined(held)
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
