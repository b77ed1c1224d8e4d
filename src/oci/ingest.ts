import { OcibakeError } from '../errors.ts'
import { decompress } from './decompress.ts'
import { type Digest, digestOf, isDigest } from './digest.ts'
import { type OpenAt, resumed } from './resumed.ts'
import type { Descriptor } from './source.ts'
import type { StoreBlobs } from './store-blobs.ts'
import type { ScannedTar, StoreLayers } from './store-layers.ts'
import type { StoreRecords } from './store-records.ts'
import { verified } from './verified.ts'

export interface IngestOptions {
  readonly signal?: AbortSignal
  /** Bytes of the blob that have come so far. Not called for what is in the store already. */
  readonly onProgress?: (done: number) => void
}

/** A layer of which the store has the blob and the raw, indexed tar. */
export interface StoredLayer {
  readonly mediaType: string
  /** Of the blob. */
  readonly digest: Digest
  /** Bytes of the blob. */
  readonly size: number
  readonly diffId: Digest
}

/** The parts of a store that taking in needs. */
export interface Shelves {
  readonly blobs: StoreBlobs
  readonly layers: StoreLayers
  readonly records: StoreRecords
}

/** See `Store.ingestBlob`. */
export async function ingestBlob(
  { blobs }: Shelves,
  descriptor: Descriptor,
  open: OpenAt,
  options: IngestOptions,
): Promise<void> {
  if (await blobs.hasWhole(descriptor)) return
  const file = await blobs.create(descriptor.size)
  try {
    for await (const chunk of fetched(descriptor, open, options)) await file.write(chunk)
    await blobs.commit(file, descriptor.digest)
  } finally {
    await file.discard()
  }
}

/** See `Store.ingestLayer`. */
export async function ingestLayer(
  shelves: Shelves,
  descriptor: Descriptor,
  diffId: Digest | undefined,
  open: OpenAt,
  options: IngestOptions,
): Promise<StoredLayer> {
  const { mediaType, digest, size } = descriptor
  const stored = (found: Digest): StoredLayer => {
    checkDiffId(descriptor, found, diffId)
    return { mediaType, digest, size, diffId: found }
  }
  if (await shelves.blobs.hasWhole(descriptor)) {
    const known = await shelves.records.get(recordKey(digest))
    if (isDigest(known) && (await shelves.layers.has(known))) return stored(known)
    const inflated = await inflateStored(shelves, descriptor, diffId, options.signal)
    if (inflated !== undefined) return stored(inflated)
  }
  return stored(await inflateFetched(shelves, descriptor, diffId, open, options))
}

async function inflateFetched(
  shelves: Shelves,
  descriptor: Descriptor,
  diffId: Digest | undefined,
  open: OpenAt,
  options: IngestOptions,
): Promise<Digest> {
  const { blobs } = shelves
  const blob = await blobs.create(descriptor.size)
  try {
    const copied = async function* () {
      for await (const chunk of fetched(descriptor, open, options)) {
        await blob.write(chunk)
        yield chunk
      }
    }
    const publish = () => blobs.commit(blob, descriptor.digest)
    return await inflate(shelves, descriptor, diffId, copied(), publish, options.signal)
  } finally {
    await blob.discard()
  }
}

/** From the blob that is here already; undefined when that turned out to be damaged. */
async function inflateStored(
  shelves: Shelves,
  descriptor: Descriptor,
  diffId: Digest | undefined,
  signal: AbortSignal | undefined,
): Promise<Digest | undefined> {
  try {
    const bytes = shelves.blobs.open(descriptor.digest, 0)
    return await inflate(shelves, descriptor, diffId, bytes, async () => {}, signal)
  } catch (error) {
    if (error instanceof OcibakeError && error.code === 'STORE_CORRUPT') return undefined
    throw error
  }
}

async function inflate(
  { layers, records }: Shelves,
  descriptor: Descriptor,
  diffId: Digest | undefined,
  blob: AsyncGenerator<Uint8Array>,
  publishBlob: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const file = await layers.create()
  try {
    let tar: ScannedTar
    try {
      tar = await layers.scan(decompress(unclosed(blob), `The layer ${descriptor.digest}`), file, signal)
    } catch (error) {
      throw await whoseFault(error, blob)
    }
    checkDiffId(descriptor, tar.diffId, diffId)
    await publishBlob()
    await layers.commit(tar)
    await records.set(recordKey(descriptor.digest), tar.diffId)
    return tar.diffId
  } finally {
    await blob.return(undefined)
    await file.discard()
  }
}

/**
 * Bytes that make no layer may be the wrong bytes: whether they are shows at their end. Then that is the error.
 */
async function whoseFault(error: unknown, blob: AsyncGenerator<Uint8Array>): Promise<unknown> {
  if (!(error instanceof OcibakeError) || error.code !== 'ARCHIVE_INVALID') return error
  try {
    while ((await blob.next()).done !== true);
  } catch (worse) {
    return worse
  }
  return new OcibakeError('LAYER_INVALID', error.message, { cause: error })
}

async function* fetched(
  descriptor: Descriptor,
  open: OpenAt,
  { signal, onProgress }: IngestOptions,
): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const chunk of verified(resumed(open, descriptor.size, signal), descriptor)) {
    signal?.throwIfAborted()
    done += chunk.byteLength
    yield chunk
    onProgress?.(done)
  }
}

/** The same bytes, from an iteration whose end does not close the source. */
function unclosed(source: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) }
}

function checkDiffId({ digest }: Descriptor, got: Digest, want: Digest | undefined): void {
  if (want === undefined || got === want) return
  throw new OcibakeError('DIFF_ID_MISMATCH', `The layer ${digest} unpacks to ${got}; the config says ${want}.`, {
    hint: 'The image is inconsistent: whoever made it has to push it again.',
  })
}

/** What a blob unpacks to is only ever recorded after both were hashed. */
function recordKey(digest: Digest): Digest {
  return digestOf(`ocibake layer of blob ${digest}`)
}
