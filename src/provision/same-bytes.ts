import { closeSync, constants, openSync, readSync } from 'node:fs'
import { type Content, Slice } from '../oci/content.ts'

const CHUNK = 1 << 18
const onDisk = Buffer.allocUnsafe(CHUNK)
const inSlice = Buffer.allocUnsafe(CHUNK)

/**
 * Whether a host file of `size` bytes, which nobody writes to, holds exactly this content.
 * @throws STORE_CORRUPT; what the content throws
 */
export async function sameBytes(path: string | Buffer, size: number, content: Content): Promise<boolean> {
  if (content.size !== size) return false
  if (size === 0) return true
  if (content instanceof Slice && !content.file.isRight(content.offset, size)) throw await content.file.damaged()
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return content instanceof Slice ? sameAsSlice(descriptor, content) : await sameAsStream(descriptor, content)
  } finally {
    closeSync(descriptor)
  }
}

/** Without a promise for each file: after `chown -R` there are thousands. */
function sameAsSlice(descriptor: number, { file, offset, size }: Slice): boolean {
  for (let done = 0; done < size; ) {
    const length = Math.min(CHUNK, size - done)
    if (!fill(descriptor, onDisk, length, done) || !fill(file.descriptor, inSlice, length, offset + done)) return false
    if (onDisk.compare(inSlice, 0, length, 0, length) !== 0) return false
    done += length
  }
  return true
}

async function sameAsStream(descriptor: number, content: Content): Promise<boolean> {
  let done = 0
  for await (const chunk of content.open()) {
    const bytes = Buffer.allocUnsafe(chunk.byteLength)
    if (!fill(descriptor, bytes, bytes.length, done) || bytes.compare(chunk) !== 0) return false
    done += chunk.byteLength
  }
  return true
}

function fill(descriptor: number, into: Buffer, length: number, at: number): boolean {
  for (let have = 0; have < length; ) {
    const got = readSync(descriptor, into, have, length - have, at + have)
    if (got === 0) return false
    have += got
  }
  return true
}
