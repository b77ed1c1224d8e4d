import { createHash, type Hash } from 'node:crypto'
import { OcibakeError } from '../errors.ts'

/** `sha256:` and 64 lower-case hex digits. Only `parseDigest` and `digestOf` make one, so it is safe in paths and URLs. */
export type Digest = `sha256:${string}`

const DIGEST = /^sha256:[0-9a-f]{64}$/

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text)
}

/**
 * The text as a digest. `what` names the place it came from, for the error.
 * @throws MANIFEST_UNSUPPORTED for anything but sha256 in its canonical form (image-spec, descriptor.md, "Digests")
 */
export function parseDigest(text: unknown, what: string): Digest {
  if (isDigest(text)) return text
  const got = typeof text === 'string' ? `'${text.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')}'` : typeof text
  throw new OcibakeError('MANIFEST_UNSUPPORTED', `${what} has the digest ${got}; wanted 'sha256:' and 64 hex digits.`)
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** The 64 hex digits of a digest: a file name in a store. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

/** A running sha256 that also counts bytes. */
export class Digester {
  readonly #hash: Hash = createHash('sha256')
  size = 0

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.size += bytes.byteLength
  }

  /** Ends the digester: it can be asked once. */
  digest(): Digest {
    return `sha256:${this.#hash.digest('hex')}`
  }
}
