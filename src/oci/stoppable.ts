/** The bytes as they come, until the signal aborts. @throws the reason of the signal */
export async function* stoppable(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted()
  for await (const chunk of bytes) {
    signal.throwIfAborted()
    yield chunk
  }
}
