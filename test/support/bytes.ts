import { digestOf } from '../../src/oci/digest.ts'
import type { Descriptor } from '../../src/oci/source.ts'
import type { Random } from './random-tree.ts'

export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The bytes in chunks of `size`, as a network or a file would give them. */
export async function* chunked(bytes: Uint8Array, size = 65536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

/** Bytes that compress about as well as text does. */
export function wordy(random: Random, size: number): Buffer {
  const words = Array.from({ length: 200 }, () => Math.floor(random.below(2 ** 30)).toString(36))
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; ) at += bytes.write(`${random.pick(words)} `, at)
  return bytes
}

export function descriptorOf(bytes: Uint8Array, mediaType = 'application/octet-stream'): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength }
}
