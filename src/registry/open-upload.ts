import type { Answer } from './transport.ts'

/** An upload session that a registry has opened, to which nothing was sent yet. */
export interface OpenUpload {
  /** Where the next request goes. */
  readonly location: URL
  /** Bytes that every chunk but the last has at least. */
  readonly leastChunk: number
}

/** What the answer to a POST says of the session behind its location. (distribution-spec, "Pushing a blob in chunks") */
export function openUpload(answer: Answer, location: URL): OpenUpload {
  const least = Number(answer.headers.get('oci-chunk-min-length') ?? 0)
  return { location, leastChunk: Number.isSafeInteger(least) ? least : 0 }
}
