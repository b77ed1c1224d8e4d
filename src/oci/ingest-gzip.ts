import { OcibakeError } from '../errors.ts'
import { hexOf } from './digest.ts'
import type { GzipScan } from './file-scan.ts'
import { compressionOf } from './layer-type.ts'
import type { TarSummary } from './passing-tar.ts'
import type { ScanAnswer } from './scan-messages.ts'
import type { Shelves } from './shelves.ts'
import type { Descriptor } from './source.ts'
import type { TempFile } from './temp-file.ts'
import { checkDiffId, type WantedLayer } from './wanted-layer.ts'

/** Bytes of a blob from which on a thread to unpack it is worth its start, if it is not needed for the blocks anyway. */
const LARGE = 1 << 20

/** Whether a layer is unpacked by a thread, if it is gzip. */
export function isUnpackedBeside({ blocks, descriptor }: WantedLayer): boolean {
  return blocks || descriptor.size >= LARGE
}

/** Whether a layer is going to be unpacked by a thread whatever it is needed for, as far as its descriptor tells. */
export function isUnpackedByThread({ mediaType, size }: Descriptor): boolean {
  return size >= LARGE && compressionOf(mediaType) === 'gzip'
}

/**
 * Writes a blob with gzip that a thread unpacks beside it, and looks for its blocks.
 * @param bytes verified
 * @param publish called when both are right; what it throws is thrown
 */
export async function unpackArriving(
  shelves: Shelves,
  wanted: WantedLayer,
  bytes: AsyncIterable<Uint8Array>,
  blob: TempFile,
  publish: () => Promise<void>,
): Promise<TarSummary> {
  return await unpack(shelves, wanted, { path: blob.path }, async (scan) => {
    blob.tell(scan)
    for await (const chunk of bytes) {
      refuseFailure(scan)
      await blob.write(chunk)
    }
    const tar = checkedTar(wanted, await answerOf(shelves, wanted, scan))
    await publish()
    return tar
  })
}

/** As `unpackArriving`, of a blob of the store. @throws STORE_CORRUPT when that is not what it should be */
export async function unpackStored(shelves: Shelves, wanted: WantedLayer): Promise<TarSummary> {
  const { blobs } = shelves
  const { digest, size } = wanted.descriptor
  return await unpack(shelves, wanted, { path: blobs.path(digest), hashed: true }, async (scan) => {
    scan.grew(size)
    try {
      const answer = await answerOf(shelves, wanted, scan)
      if (answer.sha256 !== hexOf(digest)) throw await blobs.damaged(digest)
      return checkedTar(wanted, answer)
    } catch (error) {
      // Read once more, it is verified.
      if (isOfBytes(error)) for await (const _ of blobs.open(digest, 0));
      throw error
    }
  })
}

/** @param work ends with what the thread has made of the file */
async function unpack(
  { blocks, layers }: Shelves,
  wanted: WantedLayer,
  { path, hashed = false }: { readonly path: string; readonly hashed?: boolean },
  work: (scan: GzipScan) => Promise<TarSummary>,
): Promise<TarSummary> {
  const { digest, size } = wanted.descriptor
  const file = await layers.create()
  const order = { path: file.path, what: `The layer ${digest}`, end: {} }
  const scan = blocks.watch(path, { unpack: order, hashed, size })
  try {
    const tar = await work(scan)
    await layers.commit({ ...tar, file })
    if (wanted.blocks) blocks.expect(digest, scan)
    return tar
  } catch (error) {
    throw isOfBytes(error) ? new OcibakeError('LAYER_INVALID', error.message, { cause: error }) : error
  } finally {
    scan.ended('gone')
    await file.discard()
  }
}

async function answerOf({ blocks }: Shelves, { signal }: WantedLayer, scan: GzipScan): Promise<ScanAnswer> {
  scan.ended('whole')
  return await blocks.waitFor(scan.answer, signal)
}

/** @throws DIFF_ID_MISMATCH */
function checkedTar(wanted: WantedLayer, answer: ScanAnswer): TarSummary {
  const tar = tarOf(answer)
  checkDiffId(wanted, tar.diffId)
  return tar
}

/** What a thread has unpacked. */
export function tarOf({ tar }: ScanAnswer): TarSummary {
  if (tar === undefined) throw new Error('the thread has unpacked nothing')
  const { buffer, byteOffset, byteLength } = tar.index
  return { diffId: tar.diffId, index: Buffer.from(buffer, byteOffset, byteLength) }
}

/** Bytes that make no layer may be the wrong bytes, which shows at their end; all else is thrown at once. */
function refuseFailure({ failure }: GzipScan): void {
  if (failure !== undefined && !isOfBytes(failure.error)) throw failure.error
}

function isOfBytes(error: unknown): error is OcibakeError {
  return error instanceof OcibakeError && error.code === 'ARCHIVE_INVALID'
}
