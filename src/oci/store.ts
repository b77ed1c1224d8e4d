import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { silent } from '../events.ts'
import type { SliceFile } from './content.ts'
import type { Digest } from './digest.ts'
import type { EarlyScan } from './early-scan.ts'
import type { GrowingFile } from './growing-file.ts'
import type { GzipSource } from './gzip-source.ts'
import { type IngestOptions, ingestBlob, ingestLayer, type StoredLayer } from './ingest.ts'
import { isUnpackedByThread } from './ingest-gzip.ts'
import { findTar, type IngestTarOptions, ingestTar } from './ingest-tar.ts'
import { findTarball, type IngestTarballOptions, ingestTarball, type Tarball } from './ingest-tarball.ts'
import { DOCUMENT_LIMIT } from './json.ts'
import type { Layer } from './layer.ts'
import type { Directory } from './node.ts'
import { openGzipSource } from './open-gzip-source.ts'
import { prepareStore, type StoreOptions } from './prepare-store.ts'
import { removeTree } from './remove-tree.ts'
import type { OpenAt } from './resumed.ts'
import type { Shelves } from './shelves.ts'
import type { Descriptor } from './source.ts'
import { Spool } from './spool.ts'
import { type FillingFile, StoreBlobs, type StoredBytes } from './store-blobs.ts'
import { StoreBlocks } from './store-blocks.ts'
import { type IndexedTar, StoreLayers } from './store-layers.ts'
import { storePaths } from './store-paths.ts'
import { StorePieces } from './store-pieces.ts'
import { StoreRecords } from './store-records.ts'
import type { StoreSession } from './store-session.ts'
import { StoreTrees } from './store-trees.ts'
import { writeError } from './write-error.ts'

/**
 * The folder in which ocibake keeps what it has fetched and made: blobs by digest, raw tars of layers with an index,
 * small records. Any number of processes use one store at once, and any of them may be killed at any time: a file has its
 * final name only when it is complete and verified, and what a dead process left is removed when the store is opened.
 *
 * What this object has seen in the store it can read until `close`, even if the store is pruned meanwhile.
 * Any method that writes may throw DISK_FULL.
 */
export class Store {
  /** Absolute. */
  readonly root: string
  /** The gzip members of layers that were written here. */
  readonly pieces: StorePieces
  readonly #session: StoreSession
  readonly #shelves: Shelves
  readonly #trees: StoreTrees

  private constructor(root: string, session: StoreSession, early?: EarlyScan) {
    const paths = storePaths(root)
    this.root = root
    this.pieces = new StorePieces(paths.pieces, paths.blobs, session)
    this.#session = session
    this.#trees = new StoreTrees(paths.layers, session)
    const blobs = new StoreBlobs(paths.blobs, session)
    this.#shelves = {
      blobs,
      blocks: new StoreBlocks(paths.blocks, blobs, session, early),
      layers: new StoreLayers(paths.layers, session),
      records: new StoreRecords(paths.records, session),
    }
  }

  /**
   * Opens the store in the folder `root`, which is made when it is missing.
   * @throws DISK_FULL; OUTPUT_FAILED when the folder cannot be written
   */
  static async open(root: string, { report = silent, early }: StoreOptions = {}): Promise<Store> {
    const absolute = resolve(root)
    return new Store(absolute, await prepareStore(absolute, report), early)
  }

  /** Whether the blob is there. */
  has(digest: Digest): Promise<boolean> {
    return this.#shelves.blobs.has(digest)
  }

  /** The host path of a blob that is there: to be read, never to be changed. Valid until `close`. */
  blobPath(digest: Digest): string {
    return this.#shelves.blobs.path(digest)
  }

  /** Bytes. @throws STORE_CORRUPT when the blob is not there */
  blobSize(digest: Digest): Promise<number> {
    return this.#shelves.blobs.size(digest)
  }

  /**
   * The bytes of a blob from `start` on. From 0 they are verified as they pass.
   * @throws STORE_CORRUPT when the blob is not there or, at the end, when it was damaged; then it is removed
   */
  openBlob(digest: Digest, start = 0): AsyncIterable<Uint8Array> {
    return this.#shelves.blobs.open(digest, start)
  }

  /** A manifest or config, verified. @throws STORE_CORRUPT as `openBlob`; MANIFEST_INVALID above `limit` bytes */
  readDocument(digest: Digest, limit = DOCUMENT_LIMIT): Promise<Buffer> {
    return this.#shelves.blobs.read(digest, limit)
  }

  putDocument(bytes: Uint8Array): Promise<Digest> {
    return this.#shelves.blobs.put(bytes)
  }

  /**
   * Takes in a blob as it is. Nothing is opened when it is there already. `open` may be called again to go on after a
   * break (see `resumed`); it may yield any bytes: size and digest are checked before the blob is seen by anybody.
   * @throws BLOB_MISMATCH; the reason of the signal; what `open` threw
   */
  ingestBlob(descriptor: Descriptor, open: OpenAt, options: IngestOptions = {}): Promise<void> {
    return ingestBlob(this.#shelves, descriptor, open, options)
  }

  /**
   * Takes in a layer: in one pass its blob is verified, stored, inflated, hashed, indexed and stored raw. Nothing is
   * opened when both are there already. The compression is what the bytes say, not the media type.
   * @param diffId what the uncompressed bytes must hash to, if that is known
   * @throws BLOB_MISMATCH, DIFF_ID_MISMATCH; LAYER_INVALID when the right bytes are no tar or damaged gzip or zstd;
   * ARCHIVE_UNSAFE when they expand beyond measure; the reason of the signal; what `open` threw
   */
  ingestLayer(
    descriptor: Descriptor,
    diffId: Digest | undefined,
    open: OpenAt,
    options: IngestOptions = {},
  ): Promise<StoredLayer> {
    return ingestLayer(this.#shelves, descriptor, diffId, open, options)
  }

  /** Starts the thread that unpacks layers, unless one would do without: for whoever is going to have them taken in. */
  prepareToUnpack(layers: readonly Descriptor[]): void {
    if (layers.some(isUnpackedByThread)) this.#shelves.blocks.prepareThread()
  }

  /** What a layer that was taken in says; file contents are slices of the raw tar. See `StoreTrees.of`. @throws STORE_CORRUPT */
  async layerTree(diffId: Digest, { isWritten = true } = {}): Promise<Directory> {
    return await this.#trees.of(await this.#shelves.layers.opened(diffId), { isWritten })
  }

  /** A layer that was taken in, with all of its members; undefined when it is not there. */
  findLayer(diffId: Digest): Promise<IndexedTar | undefined> {
    return this.#shelves.layers.open(diffId)
  }

  /** The raw tar of a layer that was taken in: what files of its tree are slices of. @throws STORE_CORRUPT */
  async layerTar(diffId: Digest): Promise<SliceFile> {
    return (await this.#shelves.layers.opened(diffId)).file
  }

  /**
   * A layer that was taken in, with its blob and the blocks of that; undefined for one that is not compressed with gzip,
   * is too small to be worth it or cannot be used. The same blob gives the same answer in every store.
   * @throws STORE_CORRUPT when layer or blob are not there or damaged; the reason of the signal
   */
  gzipSource(layer: Omit<Layer, 'mediaType'>, signal: AbortSignal): Promise<GzipSource | undefined> {
    return openGzipSource(this.#shelves, layer, signal)
  }

  /**
   * Takes in an uncompressed tar that is no layer. `bytes` is not touched when a tar of this
   * key is there already.
   * @throws ARCHIVE_INVALID; the reason of the signal; what `bytes` threw
   */
  ingestTar(bytes: AsyncIterable<Uint8Array>, options: IngestTarOptions = {}): Promise<IndexedTar> {
    return ingestTar(this.#shelves, bytes, options)
  }

  /** The tar that was taken in with this key, if it is still there. */
  findTar(key: Digest): Promise<IndexedTar | undefined> {
    return findTar(this.#shelves, key)
  }

  /**
   * Takes in a tarball in one pass: hashed, unpacked, indexed and stored raw. One with gzip that is large is kept as it
   * came, too, if `path` is given: its blocks can be copied into layers.
   * @throws ARCHIVE_INVALID; the reason of the signal; what `bytes`, `check` and `unpack` throw
   */
  ingestTarball(bytes: AsyncIterable<Uint8Array>, options: IngestTarballOptions): Promise<Tarball> {
    return ingestTarball(this.#shelves, bytes, options)
  }

  /**
   * The tarball of this sha256, if it was taken in and is still there.
   * @param options.blocks only if what `gzipSource` needs of it is there, too
   */
  findTarball(digest: Digest, options: { readonly blocks: boolean }): Promise<Tarball | undefined> {
    return findTarball(this.#shelves, digest, options)
  }

  /**
   * Stores bytes whose digest nobody knows yet. A chunk is done with when the next one is asked for.
   * @param onFile gets the file before its first byte, to read it while it grows; it has to close it
   * @throws whatever `bytes` throws, and then nothing is stored
   */
  writeBlob(bytes: AsyncIterable<Uint8Array>, onFile?: (file: GrowingFile) => void): Promise<StoredBytes> {
    return this.#shelves.blobs.write(bytes, onFile)
  }

  /**
   * As `writeBlob`, for somebody who writes to the file by himself. The file is closed when `fill` resolves or rejects:
   * nobody may write to it then.
   * @throws whatever `fill` throws, DISK_FULL for a full disk, and then nothing is stored
   */
  fillBlob<Written extends StoredBytes>(
    fill: (file: FillingFile) => Promise<Written>,
    onFile?: (file: GrowingFile) => void,
  ): Promise<Written> {
    return this.#shelves.blobs.fill(fill, onFile)
  }

  /** The JSON value that was set under this key; undefined when there is none, or it was damaged. */
  get(key: Digest): Promise<unknown> {
    return this.#shelves.records.get(key)
  }

  /** Keeps a small JSON value. Atomic; the last one wins. */
  set(key: Digest, record: unknown): Promise<void> {
    return this.#shelves.records.set(key, record)
  }

  /** A place for bytes that live as long as the build. */
  spool(): Promise<Spool> {
    return Spool.create(this.#session.newPath('spool'))
  }

  /** An empty folder on the store's disk, 0700, that goes with all that is in it when it is disposed of. */
  async workFolder(name: string): Promise<{ readonly path: string } & AsyncDisposable> {
    const path = this.#session.newPath(name)
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      throw writeError(error, path)
    })
    return { path, [Symbol.asyncDispose]: () => removeTree(path) }
  }

  /** Frees what this object held. Trees and spools that it gave can no longer be read. Safe to call twice. */
  async close(): Promise<void> {
    await this.#trees.close()
    await this.#shelves.blocks.close()
    this.#shelves.layers.close()
    await this.#session.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
