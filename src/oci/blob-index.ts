import { OcibakeError } from '../errors.ts'
import { type Digest, digestOf } from './digest.ts'

/** What is known of a blob: a line of JSON that says of which blob, in which version, and its sha256; then `body`. */
export function encodeBlobIndex(version: string, blob: Digest, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ version, blob, sha256: digestOf(body) })}\n`), body])
}

/**
 * The body; undefined for one of another version.
 * @param what names the index in the error
 * @throws STORE_CORRUPT for bytes that `encodeBlobIndex` did not write for this blob
 */
export function decodeBlobIndex(bytes: Buffer, version: string, blob: Digest, what: string): Buffer | undefined {
  const end = bytes.indexOf(0x0a)
  const body = bytes.subarray(end + 1)
  const head = parseHead(bytes.toString('utf8', 0, Math.max(end, 0)))
  if (head?.blob !== blob || head.sha256 !== digestOf(body)) {
    throw new OcibakeError('STORE_CORRUPT', `The index of the ${what} of ${blob} is not what was written.`, {
      hint: 'Run: ocibake cache verify',
    })
  }
  return head.version === version ? body : undefined
}

function parseHead(text: string): { version?: unknown; blob?: unknown; sha256?: unknown } | undefined {
  try {
    const head: unknown = JSON.parse(text)
    return typeof head === 'object' && head !== null ? head : undefined
  } catch {
    return undefined
  }
}
