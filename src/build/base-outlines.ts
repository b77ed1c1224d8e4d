import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { OcibakeError } from '../errors.ts'
import { decompress } from '../oci/decompress.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { readOutline, writeOutline } from '../oci/layer-outline.ts'
import type { Directory } from '../oci/node.ts'
import type { Descriptor } from '../oci/source.ts'
import type { Store } from '../oci/store.ts'
import type { Transport } from '../oci/transport.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { outlineKey } from './cache-keys.ts'
import type { CacheRepo } from './cache-repo.ts'
import type { CacheUse } from './cache-use.ts'
import { hasToRun } from './known-results.ts'
import { addsNothing } from './make-tree.ts'
import type { BuildInputs } from './take-inputs.ts'

const MEDIA_TYPE = 'application/vnd.ocibake.cache.outline.v1.json+gzip'
/** Bytes of the outline of a layer with a million files, and of what it is compressed to. */
const [LARGEST, LARGEST_BLOB] = [256 << 20, 64 << 20]

export interface BorrowOptions {
  readonly store: Store
  readonly cache: CacheUse
  readonly cacheRepo?: CacheRepo | undefined
  readonly outputs: readonly Transport[]
  /** A build that has begun without them has found that it needs the files. */
  readonly needsFiles: boolean
  readonly signal: AbortSignal
}

/**
 * Has the base take outlines of the layers that the store does not have from the repository, where another layer on top of
 * them may need no more: what is in the base's files is not downloaded then. All of them, or none.
 * @returns whether the base is without files now @throws the signal's reason
 */
export async function borrowOutlines(
  plan: Plan,
  base: Base,
  inputs: BuildInputs,
  options: BorrowOptions,
): Promise<boolean> {
  const { store, cacheRepo, outputs, needsFiles, signal } = options
  if (cacheRepo === undefined || base.reference === undefined || needsFiles) return false
  if (plan.layers !== 'append' || addsNothing(plan) || outputs.some(({ kind }) => kind !== 'docker')) return false
  const are = await Promise.all(base.blobs.map(({ digest }) => store.has(digest)))
  const lacking = new Set(base.blobs.filter((_, i) => !are[i]).map(({ diffId }) => diffId))
  if (lacking.size === 0 || (await hasToRun(plan, inputs, options))) return false
  const found = await Promise.all(
    Array.from(lacking, async (diffId) => [diffId, await outlineOf(diffId, cacheRepo, signal)] as const),
  )
  const outlines = new Map<Digest, Directory>()
  for (const [diffId, outline] of found) if (outline !== undefined) outlines.set(diffId, outline)
  if (outlines.size < lacking.size) return false
  base.borrow?.(outlines)
  return true
}

async function outlineOf(diffId: Digest, repo: CacheRepo, signal: AbortSignal): Promise<Directory | undefined> {
  const key = outlineKey(diffId)
  const entry = await repo.find('tree', key, signal)
  if (entry === undefined) return undefined
  try {
    const blob = entry.blobs[0] ?? entry.record.refuse('diffId', 'an outline with a blob')
    return readOutline(await unpacked(blob, repo, signal), diffId)
  } catch (error) {
    repo.refuse('tree', key, error, signal)
    return undefined
  }
}

async function unpacked(blob: Descriptor, repo: CacheRepo, signal: AbortSignal): Promise<Buffer> {
  const tooLarge = () => new OcibakeError('LAYER_INVALID', `The outline ${blob.digest} is too large.`)
  if (blob.size > LARGEST_BLOB) throw tooLarge()
  const packed: Uint8Array[] = []
  for await (const chunk of repo.open(blob, 0, signal)) packed.push(Buffer.from(chunk))
  const bytes = Buffer.concat(packed)
  if (digestOf(bytes) !== blob.digest) {
    throw new OcibakeError('BLOB_MISMATCH', `The outline ${blob.digest} has other bytes than its digest says.`)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of decompress(one(bytes), `The outline ${blob.digest}`)) {
    size += chunk.byteLength
    if (size > LARGEST) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Puts outlines of layers that the store has of a base in a registry into the repository. @returns how many it did not have */
export async function pushOutlines(base: Base, repo: CacheRepo, store: Store, signal: AbortSignal): Promise<number> {
  if (base.reference === undefined) return 0
  const diffIds = new Set(base.blobs.map(({ diffId }) => diffId))
  const puts = Array.from(diffIds, (diffId) => pushOutline(diffId, repo, store, signal))
  return (await Promise.all(puts)).filter(Boolean).length
}

async function pushOutline(diffId: Digest, repo: CacheRepo, store: Store, signal: AbortSignal): Promise<boolean> {
  const key = outlineKey(diffId)
  const tar = await store.findLayer(diffId)
  if (tar === undefined || (await repo.find('tree', key, signal)) !== undefined) return false
  const bytes = await promisify(gzip)(await writeOutline(tar))
  if (bytes.length > LARGEST_BLOB) return false
  const descriptor = { mediaType: MEDIA_TYPE, digest: digestOf(bytes), size: bytes.length }
  const open = (start: number) => one(bytes.subarray(start))
  return await repo.put('tree', key, { kind: 'tree', diffId }, [{ descriptor, donor: undefined, open }], signal)
}
