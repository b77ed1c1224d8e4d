import { OcibakeError } from '../errors.ts'
import { type Digest, digestOf, isDigest } from './digest.ts'
import type { GzipScan } from './file-scan.ts'
import { tarOf } from './ingest-gzip.ts'
import type { Layer } from './layer.ts'
import type { TarSummary } from './passing-tar.ts'
import { type CheckWhole, PassingTarball } from './passing-tarball.ts'
import type { Shelves } from './shelves.ts'
import { giveBack } from './single-use.ts'
import type { StoreBlocks } from './store-blocks.ts'
import type { IndexedTar } from './store-layers.ts'

/** Bytes of a gzip tarball from which on it is kept. Compressing as much again takes longer than to fetch it anew. */
const LARGE = 8 << 20
/** Bytes of a gzip tarball from which on a thread that unpacks it is worth its start. */
const BESIDE = 1 << 20

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
  readonly check: CheckWhole
  /** The bytes, decompressed. */
  unpack(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** Names the tarball in errors. */
  readonly name: string
  /** What a tarball began with that was decompressed without `unpack`, and turned out to be no tar: 512 bytes at most. */
  onHead?(raw: Uint8Array): void
  /**
   * A file on the store's disk that the bytes are read from, perhaps while it grows. Gzip is unpacked from there by a
   * thread, and of a large tarball it becomes the blob. Without it, nothing is kept.
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
  shelves: Shelves,
  bytes: AsyncIterable<Uint8Array>,
  options: IngestTarballOptions,
): Promise<Tarball> {
  const { layers, blobs, blocks, records } = shelves
  const { path, check } = options
  const file = await layers.create()
  const passing = new PassingTarball(bytes, check)
  let scan: GzipScan | undefined
  try {
    await passing.readAhead(path === undefined ? 0 : BESIDE)
    // No digest says that it is whole, and what comes behind may be what is missing.
    const end = { padded: true }
    if (path !== undefined && passing.isGzip && !passing.isRead) {
      scan = blocks.watch(path, { unpack: { path: file.path, what: options.name, end } })
    }
    const tar =
      scan === undefined
        ? await layers.scan(options.unpack(passing.all()), file, options.signal, end)
        : await unpackedBeside(blocks, passing, scan, options)
    await layers.commit({ ...tar, file })
    const { digest, size } = passing.whole
    const record: TarballRecord = { diffId: tar.diffId, size, isGzip: passing.isGzip }
    if (path !== undefined && isKept(record)) {
      await blobs.adopt(path, digest)
      if (scan !== undefined) blocks.expect(digest, scan)
    }
    await records.set(recordKey(digest), record)
    return { ...(await layers.opened(tar.diffId)), digest, packed: packedOf(digest, record) }
  } finally {
    scan?.ended('gone')
    await passing.close()
    await file.discard()
  }
}

/** What the thread makes of the file that the bytes are read from. */
async function unpackedBeside(
  blocks: StoreBlocks,
  passing: PassingTarball,
  scan: GzipScan,
  { signal, onHead }: IngestTarballOptions,
): Promise<TarSummary> {
  scan.grew(passing.size)
  for await (const chunk of passing.rest()) {
    giveBack(chunk)
    // What is wrong with the bytes may be that they are the wrong ones, or that they are being fetched anew.
    if (scan.failure !== undefined && !isOfArchive(scan.failure.error)) throw scan.failure.error
    scan.grew(passing.size)
  }
  scan.ended('whole')
  try {
    return tarOf(await blocks.waitFor(scan.answer, signal))
  } catch (error) {
    if (scan.failure !== undefined) onHead?.(scan.failure.head)
    throw error
  }
}

/** Anything but, say, a full disk. */
function isOfArchive(error: unknown): boolean {
  return !(error instanceof OcibakeError) || /^ARCHIVE_/.test(error.code)
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
