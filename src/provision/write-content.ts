import { readSync, writeSync } from 'node:fs'
import { OcibakeError } from '../errors.ts'
import { type Content, Slice } from '../oci/content.ts'

const CHUNK = 1 << 20
const buffer = Buffer.allocUnsafe(CHUNK)

/**
 * Writes all of a content to an open file. A slice, as most contents are, is written when this returns: a promise and a
 * buffer for each of ten thousand files take longer than their bytes.
 * @throws STORE_CORRUPT; what `content.open()` throws
 */
export function writeContent(content: Content, descriptor: number): Promise<void> | undefined {
  if (content.size === 0) return undefined
  if (!(content instanceof Slice)) return writeStream(content, descriptor)
  const { file, offset, size } = content
  for (let done = 0; done < size; ) {
    const got = readSync(file.descriptor, buffer, 0, Math.min(CHUNK, size - done), offset + done)
    if (got === 0) {
      throw new OcibakeError('STORE_CORRUPT', `${file.path} ends at byte ${offset + done}; wanted ${offset + size}.`, {
        hint: 'Run: ocibake cache verify',
      })
    }
    writeAll(descriptor, buffer.subarray(0, got))
    done += got
  }
  return undefined
}

async function writeStream(content: Content, descriptor: number): Promise<void> {
  for await (const chunk of content.open()) writeAll(descriptor, chunk)
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) done += writeSync(descriptor, bytes, done)
}
