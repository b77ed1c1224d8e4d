import { open } from 'node:fs/promises'
import { detectCompression, HEAD_BYTES } from './decompress.ts'

/** Whether a file begins as gzip does. */
export async function isGzipFile(path: string): Promise<boolean> {
  await using handle = await open(path)
  const head = new Uint8Array(HEAD_BYTES)
  await handle.read(head, 0, HEAD_BYTES, 0)
  return detectCompression(head) === 'gzip'
}

/** Whether a stream, whose first chunk has `HEAD_BYTES` if it is not the last one, begins so; and all of it. */
export async function gzipAhead(
  bytes: AsyncGenerator<Uint8Array>,
): Promise<{ readonly isGzip: boolean; readonly all: AsyncIterable<Uint8Array> }> {
  const first = await bytes.next()
  async function* all() {
    if (first.done !== true) yield first.value
    yield* bytes
  }
  return { isGzip: first.done !== true && detectCompression(first.value) === 'gzip', all: all() }
}
