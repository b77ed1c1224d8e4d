import type { BlockScan } from './block-scan.ts'
import { detectCompression, HEAD_BYTES } from './decompress.ts'
import { type Digest, Digester, digestOf, isDigest } from './digest.ts'
import type { Shelves } from './ingest.ts'
import type { Layer } from './layer.ts'
import type { StoreBlocks } from './store-blocks.ts'
import type { IndexedTar } from './store-layers.ts'

/** Bytes of a gzip tarball from which on it is kept. Compressing as much again takes longer than to fetch it anew. */
const LARGE = 8 << 20

/** A tarball that is kept as it came: what to ask `Store.gzipSource` for. */
export type PackedTarball = Omit<Layer, 'mediaType'>

/** A tarball as it was fetched, and the raw tar that was in it. */
export interface Tarball extends IndexedTar {
  /** sha256 of the tarball as it was fetched. */
  readonly digest: Digest
  /** undefined for a tarball that would never be kept: the same bytes give the same, whether it is there or not. */
  readonly packed: PackedTarball | undefined
}

export interface IngestTarballOptions {
  /** What the whole turns out to be: may throw. */
  check(whole: { readonly digest: Digest; readonly size: number }): void
  /** The bytes, decompressed. */
  unpack(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /**
   * A file on the store's disk that the bytes are read from, perhaps while it grows. Of a large tarball with gzip it
   * becomes the blob. Without it, nothing is kept.
   */
  readonly path?: string
  readonly signal: AbortSignal
}

/** What the store remembers of a tarball. */
interface TarballRecord {
  readonly diffId: Digest
  /** Bytes of the tarball. */
  readonly size: number
  readonly isGzip: boolean
}

/** See `Store.ingestTarball`. */
export async function ingestTarball(
  { layers, blobs, blocks, records }: Shelves,
  bytes: AsyncIterable<Uint8Array>,
  { check, unpack, path, signal }: IngestTarballOptions,
): Promise<Tarball> {
  const file = await layers.create()
  const passing = new PassingTarball(blocks, path)
  try {
    const raw = unpack(passing.of(bytes, check))
    // No digest says that it is whole, and what comes behind may be what is missing.
    const tar = await layers.scan(raw, file, signal, { padded: true })
    await layers.commit(tar)
    const { digest, size, isGzip } = passing.whole
    const record: TarballRecord = { diffId: tar.diffId, size, isGzip }
    if (path !== undefined && isKept(record)) {
      await blobs.adopt(path, digest)
      passing.keep()
    }
    await records.set(recordKey(digest), record)
    return { ...(await layers.opened(tar.diffId)), digest, packed: packedOf(digest, record) }
  } finally {
    passing.end()
    await file.discard()
  }
}

/** See `Store.findTarball`. */
export async function findTarball(
  { layers, blobs, records }: Shelves,
  digest: Digest,
  { blocks }: { readonly blocks: boolean },
): Promise<Tarball | undefined> {
  const record = (await records.get(recordKey(digest))) as Partial<TarballRecord> | undefined
  const { diffId, size, isGzip } = record ?? {}
  if (!isDigest(diffId) || size === undefined || isGzip === undefined) return undefined
  const packed = packedOf(digest, { diffId, size, isGzip })
  if (blocks && packed !== undefined && !(await blobs.hasWhole(packed))) return undefined
  const tar = await layers.open(diffId)
  return tar && { ...tar, digest, packed }
}

/** Whether a tarball may be kept: decided by its bytes alone. */
export function isKept({ size, isGzip }: { readonly size: number; readonly isGzip: boolean }): boolean {
  return isGzip && size >= LARGE
}

function packedOf(digest: Digest, record: TarballRecord): PackedTarball | undefined {
  return isKept(record) ? { digest, size: record.size, diffId: record.diffId } : undefined
}

function recordKey(tarball: Digest): Digest {
  return digestOf(`ocibake tarball ${tarball}`)
}

/** A tarball on its way to be unpacked: hashed, and looked at by a thread if it may be kept. */
class PassingTarball {
  readonly #blocks: StoreBlocks
  readonly #path: string | undefined
  readonly #digester = new Digester()
  #head = Buffer.alloc(0)
  #scan: BlockScan | undefined
  #whole: { readonly digest: Digest; readonly size: number; readonly isGzip: boolean } | undefined

  constructor(blocks: StoreBlocks, path: string | undefined) {
    this.#blocks = blocks
    this.#path = path
  }

  async *of(bytes: AsyncIterable<Uint8Array>, check: IngestTarballOptions['check']): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      if (this.#head.length < HEAD_BYTES) this.#head = Buffer.concat([this.#head, chunk.subarray(0, HEAD_BYTES)])
      this.#digester.update(chunk)
      this.#follow()
      yield chunk
    }
    const { size } = this.#digester
    this.#whole = { digest: this.#digester.digest(), size, isGzip: this.#isGzip }
    check(this.#whole)
  }

  /** When all has passed. */
  get whole(): { readonly digest: Digest; readonly size: number; readonly isGzip: boolean } {
    if (this.#whole === undefined) throw new Error('the tarball has not passed yet')
    return this.#whole
  }

  /** The file is a blob of the store now. */
  keep(): void {
    if (this.#scan === undefined) return
    this.#blocks.expect(this.whole.digest, this.#scan)
    this.#scan.ended('whole')
  }

  /** Whatever came of it, nothing comes any more. */
  end(): void {
    this.#scan?.ended('gone')
  }

  get #isGzip(): boolean {
    return detectCompression(this.#head) === 'gzip'
  }

  #follow(): void {
    const { size } = this.#digester
    if (this.#path === undefined || !isKept({ size, isGzip: this.#isGzip })) return
    this.#scan ??= this.#blocks.watch(this.#path)
    this.#scan.grew(size)
  }
}
