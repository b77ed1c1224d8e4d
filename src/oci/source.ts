import type { Digest } from './digest.ts'

/** Where a blob or manifest is and what it must be: image-spec descriptor.md. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes as stored and sent, compressed layers compressed. */
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: DescriptorPlatform
}

export interface DescriptorPlatform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** A manifest or index exactly as it came, already verified against the digest it was asked for. */
export interface Document {
  readonly mediaType: string
  readonly digest: Digest
  readonly bytes: Buffer
}

/**
 * A place that images come from: a registry repository, an OCI layout, an archive. The only difference between bases
 * is where the bytes come from.
 */
export interface ImageSource {
  /** For people and for `org.opencontainers.image.base.name`: `docker.io/library/debian:bookworm-slim`, `oci:dir:tag`. */
  readonly name: string
  /** The document that the reference names now (an image manifest or an index). @throws BASE_NOT_FOUND */
  resolve(signal: AbortSignal): Promise<Document>
  /** A manifest of an index that `resolve` gave. */
  manifest(descriptor: Descriptor, signal: AbortSignal): Promise<Document>
  /**
   * The bytes of a blob from `start` on, unverified: whoever stores them verifies. Callers may call again after an
   * error to go on where they were.
   */
  blob(descriptor: Descriptor, start: number, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Frees what `resolve` opened (a file, connections). Safe to call twice. */
  close(): Promise<void>
}
