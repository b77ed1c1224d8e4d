import { OcibakeError } from '../errors.ts'
import { Digester } from './digest.ts'
import type { Descriptor } from './source.ts'

/**
 * The bytes as they come, checked against size and digest of the descriptor. The end without an error is the proof;
 * at most one chunk beyond the size is read.
 * @throws BLOB_MISMATCH at the first chunk that exceeds the size, or at the end
 */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): AsyncGenerator<Uint8Array> {
  const digester = new Digester()
  for await (const chunk of bytes) {
    digester.update(chunk)
    if (digester.size > size) throw mismatch(`${digest} goes on after ${size} bytes, its size.`)
    yield chunk
  }
  if (digester.size !== size) throw mismatch(`${digest} ended after ${digester.size} bytes; wanted ${size}.`)
  const got = digester.digest()
  if (got !== digest) throw mismatch(`The ${size} bytes of ${digest} hash to ${got}.`)
}

function mismatch(message: string): OcibakeError {
  return new OcibakeError('BLOB_MISMATCH', message, {
    hint: 'Try again; if it stays so, what the image comes from is damaged: push or copy it there again.',
  })
}
