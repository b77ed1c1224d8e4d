import { writeSync } from 'node:fs'

/**
 * Writes all of `bytes` at byte `at` of a file, or where its last write ended. To have another thread put them into the
 * kernel's memory would take longer than to do it. @throws what the file system says
 */
export function writeFully(descriptor: number, bytes: Uint8Array, at: number | null = null): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(descriptor, bytes, done, bytes.byteLength - done, at === null ? null : at + done)
  }
}
