import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Event } from '../../src/events.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import type { Descriptor } from '../../src/oci/source.ts'
import { RegistryConnection, type RegistryConnectionOptions } from '../../src/registry/connection.ts'
import { anonymous, type CredentialLookup } from '../../src/registry/credentials.ts'
import type { PushImage } from '../../src/registry/push.ts'
import { REGISTRY_USER } from './token-server.ts'

/** An image in memory, valid to every tool: each layer is a tar.gz with one file of random bytes. */
export interface MemoryImage extends PushImage {
  readonly blobs: ReadonlyMap<Digest, Buffer>
  /** Every `openBlob` so far: digest and start. */
  readonly opened: readonly string[]
}

/** An image with one layer for each of `sizes`, about so many bytes. */
export function memoryImage(sizes: readonly number[] = [1000, 200_000]): MemoryImage {
  const raw = sizes.map((size) => fileTar('noise', randomBytes(size)))
  const layers = raw.map((bytes) => gzipSync(bytes, { level: 1 }))
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: raw.map((bytes) => digestOf(bytes)) },
    }),
  )
  const blobs = new Map([config, ...layers].map((bytes) => [digestOf(bytes), bytes] as const))
  const describe = (bytes: Buffer, mediaType: string): Descriptor => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  })
  const parts = {
    config: describe(config, OCI_CONFIG),
    layers: layers.map((bytes) => describe(bytes, OCI_LAYER_GZIP)),
  }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, ...parts }))
  const opened: string[] = []
  return {
    ...parts,
    manifest: { bytes, mediaType: OCI_MANIFEST, digest: digestOf(bytes) },
    blobs,
    opened,
    async *openBlob(digest, start) {
      opened.push(`${digest} ${start}`)
      const blob = blobs.get(digest)!
      for (let at = start; at < blob.length; at += 65_536) yield blob.subarray(at, at + 65_536)
    },
  }
}

/** Knows `REGISTRY_USER` in every registry. */
export const knowsUser: CredentialLookup = async () => ({ kind: 'password', ...REGISTRY_USER, source: 'the test' })

/** A connection that waits next to nothing between two tries, and every event that it reported. */
export function testConnection(options: Partial<RegistryConnectionOptions> = {}) {
  const events: Event[] = []
  const connection = new RegistryConnection({
    credentials: anonymous,
    insecureRegistries: new Set(),
    report: (event) => events.push(event),
    userAgent: 'ocibake/test',
    ...options,
    timing: { backoff: 2, longestWait: 50, ...options.timing },
  })
  return { connection, events }
}

/** One ustar archive with one file. */
function fileTar(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`
  header.write(name, 0)
  header.write(
    `${octal(0o644, 8)}${octal(0, 8)}${octal(0, 8)}${octal(content.length, 12)}${octal(0, 12)}        0`,
    100,
  )
  header.write('ustar\x0000', 257)
  header.write(
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
  )
  return Buffer.concat([header, content, Buffer.alloc(1024 + ((512 - (content.length % 512)) % 512))])
}
