import { OcibakeError } from '../errors.ts'
import { decompress } from './decompress.ts'
import { type Digest, digestOf, isDigest } from './digest.ts'
import { gathered } from './gathered.ts'
import { gzipAhead, isGzipFile } from './gzip-head.ts'
import { isUnpackedBeside, unpackArriving, unpackStored } from './ingest-gzip.ts'
import { type OpenAt, resumed } from './resumed.ts'
import type { Shelves } from './shelves.ts'
import type { Descriptor } from './source.ts'
import { hasUsefulBlocks } from './store-blocks.ts'
import type { TempFile } from './temp-file.ts'
import { verified } from './verified.ts'
import { checkDiffId, type WantedLayer } from './wanted-layer.ts'

/** What is hashed, inflated and written at once. Twice as much is a little faster and takes 20 MB more. */
const GATHERED = 1 << 17

export interface IngestOptions {
  readonly signal?: AbortSignal
  /** Bytes of the blob that have come so far. Not called for what is in the store already. */
  readonly onProgress?: (done: number) => void
  /** `Store.gzipSource` is going to be asked for this layer: what it needs is looked for beside all else. */
  readonly blocks?: boolean
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
  const { blocks = false, signal } = options
  const wanted: WantedLayer = { descriptor, diffId, blocks: blocks && hasUsefulBlocks(descriptor), signal }
  const got =
    (await findLayer(shelves, wanted)) ??
    (await inflateStored(shelves, wanted)) ??
    (await inflateFetched(shelves, wanted, fetched(descriptor, open, options)))
  if (wanted.blocks) shelves.blocks.prepare(digest)
  return { mediaType, digest, size, diffId: got }
}

/** What the blob unpacks to, when blob and layer are here. */
async function findLayer({ blobs, layers, records }: Shelves, wanted: WantedLayer): Promise<Digest | undefined> {
  if (!(await blobs.hasWhole(wanted.descriptor))) return undefined
  const known = await records.get(recordKey(wanted.descriptor.digest))
  if (!isDigest(known) || !(await layers.has(known))) return undefined
  checkDiffId(wanted, known)
  return known
}

/** From the blob that is here already; undefined when there is none, or it turned out to be damaged. */
async function inflateStored(shelves: Shelves, wanted: WantedLayer): Promise<Digest | undefined> {
  const { blobs, records } = shelves
  const { digest } = wanted.descriptor
  if (!(await blobs.hasWhole(wanted.descriptor))) return undefined
  try {
    if (!isUnpackedBeside(wanted) || !(await isGzipFile(blobs.path(digest)))) {
      return await inflate(shelves, wanted, blobs.open(digest, 0), async () => {})
    }
    const { diffId } = await unpackStored(shelves, wanted)
    await records.set(recordKey(digest), diffId)
    return diffId
  } catch (error) {
    if (error instanceof OcibakeError && error.code === 'STORE_CORRUPT') return undefined
    throw error
  }
}

async function inflateFetched(
  shelves: Shelves,
  wanted: WantedLayer,
  bytes: AsyncGenerator<Uint8Array>,
): Promise<Digest> {
  const { blobs, records } = shelves
  const { digest, size } = wanted.descriptor
  const blob = await blobs.create(size)
  const publish = () => blobs.commit(blob, digest)
  try {
    const { isGzip, all } = await gzipAhead(bytes)
    if (!isGzip || !isUnpackedBeside(wanted)) return await inflate(shelves, wanted, writtenTo(blob, all), publish)
    const { diffId } = await unpackArriving(shelves, wanted, all, blob, publish)
    await records.set(recordKey(digest), diffId)
    return diffId
  } finally {
    await bytes.return(undefined)
    await blob.discard()
  }
}

async function* writtenTo(blob: TempFile, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    await blob.write(chunk)
    yield chunk
  }
}

/**
 * The one pass: `blob` yields verified bytes, which are inflated, hashed, indexed and stored; `publishBlob` is called
 * when all is well.
 */
async function inflate(
  { layers, records }: Shelves,
  wanted: WantedLayer,
  blob: AsyncGenerator<Uint8Array>,
  publishBlob: () => Promise<void>,
): Promise<Digest> {
  const { digest } = wanted.descriptor
  const file = await layers.create()
  try {
    const bytes = decompress(unclosed(blob), `The layer ${digest}`, 'pass')
    const tar = await layers.scan(bytes, file, wanted.signal).catch(async (error: unknown) => {
      throw await whoseFault(error, blob)
    })
    checkDiffId(wanted, tar.diffId)
    await publishBlob()
    await layers.commit(tar)
    await records.set(recordKey(digest), tar.diffId)
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

function fetched(descriptor: Descriptor, open: OpenAt, options: IngestOptions): AsyncGenerator<Uint8Array> {
  return gathered(watched(descriptor, open, options), GATHERED)
}

async function* watched(
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

/** What a blob unpacks to is only ever recorded after both were hashed. */
function recordKey(digest: Digest): Digest {
  return digestOf(`ocibake layer of blob ${digest}`)
}
