import { promisify } from 'node:util'
import { gunzip, gzip, type ZlibOptions } from 'node:zlib'
import { OcibakeError, systemCode } from '../errors.ts'
import { ContentsAbsent } from '../oci/absent-file.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { readOutline, writeOutline } from '../oci/layer-outline.ts'
import type { Directory } from '../oci/node.ts'
import type { Descriptor } from '../oci/source.ts'
import type { Store } from '../oci/store.ts'
import type { Transport } from '../oci/transport.ts'
import { each } from '../registry/each.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { outlineKey } from './cache-keys.ts'
import type { CacheRepo } from './cache-repo.ts'
import type { CacheUse } from './cache-use.ts'
import { hasToRun } from './known-results.ts'
import { addsNothing } from './make-tree.ts'
import type { BuildInputs } from './take-inputs.ts'

const MEDIA_TYPE = 'application/vnd.ocibake.cache.outline.v2+gzip'
/** Bytes of the outline of a layer with two million files, and of what it is compressed to. */
const [LARGEST, LARGEST_BLOB] = [64 << 20, 32 << 20]
/** Outlines that are asked for at the same time. */
const AT_ONCE = 4

export interface BorrowOptions {
  readonly store: Store
  readonly cache: CacheUse
  readonly cacheRepo?: CacheRepo | undefined
  readonly outputs: readonly Transport[]
  /** A build that has begun without them has found that it needs the files. */
  readonly needsFiles: boolean
  readonly signal: AbortSignal
}

type Asker = Omit<BorrowOptions, 'cache'>

/**
 * Begins to ask for the outlines that `borrowOutlines` may need, beside the sources. Disposed of, what is still under way
 * ends.
 */
export function askForOutlines(plan: Plan, base: Base, options: Asker): Disposable {
  const ending = new AbortController()
  const either = AbortSignal.any([options.signal, ending.signal])
  const ask = async () => {
    const { cacheRepo } = options
    if (cacheRepo === undefined || !mayBorrow(plan, base, options)) return
    const lacking = await lackingLayers(base, options.store)
    await each(lacking, AT_ONCE, either, async (diffId, signal) => {
      await cacheRepo.find('tree', outlineKey(diffId), signal)
    })
  }
  // Whoever needs them asks again.
  ask().catch(() => {})
  return { [Symbol.dispose]: () => ending.abort() }
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
  const { store, cacheRepo, signal } = options
  if (cacheRepo === undefined || !mayBorrow(plan, base, options)) return false
  const lacking = await lackingLayers(base, store)
  if (lacking.size === 0 || (await hasToRun(plan, inputs, options))) return false
  const outlines = new Map<Digest, Directory>()
  await each(lacking, AT_ONCE, signal, async (diffId, either) => {
    const outline = await outlineOf(diffId, cacheRepo, either)
    if (outline !== undefined) outlines.set(diffId, outline)
  })
  if (outlines.size < lacking.size) return false
  base.borrow?.(outlines)
  try {
    await base.tree()
  } catch (error) {
    if (!(error instanceof ContentsAbsent)) throw error
    // Of which one it comes, nobody knows.
    for (const diffId of lacking) cacheRepo.refuse('tree', outlineKey(diffId), error.cause, signal)
    throw error
  }
  return true
}

function mayBorrow(plan: Plan, base: Base, { outputs, needsFiles }: Asker): boolean {
  if (base.reference === undefined || needsFiles) return false
  return plan.layers === 'append' && !addsNothing(plan) && outputs.every(({ kind }) => kind === 'docker')
}

/** The layers of the base whose blobs the store does not have, by what they unpack to. */
export async function lackingLayers(base: Base, store: Store): Promise<ReadonlySet<Digest>> {
  const are = await Promise.all(base.blobs.map(({ digest }) => store.has(digest)))
  return new Set(base.blobs.filter((_, i) => !are[i]).map(({ diffId }) => diffId))
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
  const what = `The outline ${blob.digest}`
  if (blob.size > LARGEST_BLOB) throw new OcibakeError('LAYER_INVALID', `${what} is too large.`)
  const packed: Uint8Array[] = []
  for await (const chunk of repo.open(blob, 0, signal)) packed.push(Buffer.from(chunk))
  const bytes = Buffer.concat(packed)
  if (digestOf(bytes) !== blob.digest) {
    throw new OcibakeError('BLOB_MISMATCH', `${what} has other bytes than its digest says.`)
  }
  try {
    return await promisify<Buffer, ZlibOptions, Buffer>(gunzip)(bytes, { maxOutputLength: LARGEST })
  } catch (cause) {
    const is = systemCode(cause) === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : 'not what gzip makes'
    throw new OcibakeError('LAYER_INVALID', `${what} is ${is}.`, { cause })
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Puts outlines of layers that the store has of a base in a registry into the repository. @returns how many it did not have */
export async function pushOutlines(base: Base, repo: CacheRepo, store: Store, signal: AbortSignal): Promise<number> {
  if (base.reference === undefined) return 0
  let count = 0
  await each(new Set(base.blobs.map(({ diffId }) => diffId)), AT_ONCE, signal, async (diffId, either) => {
    if (await pushOutline(diffId, repo, store, either)) count++
  })
  return count
}

async function pushOutline(diffId: Digest, repo: CacheRepo, store: Store, signal: AbortSignal): Promise<boolean> {
  const key = outlineKey(diffId)
  if ((await store.findLayer(diffId)) === undefined) return false
  if ((await repo.find('tree', key, signal)) !== undefined) return false
  const outline = await writeOutline(await store.layerTree(diffId, { isWritten: false }))
  const bytes = await promisify(gzip)(outline)
  if (outline.length > LARGEST || bytes.length > LARGEST_BLOB) return false
  const descriptor = { mediaType: MEDIA_TYPE, digest: digestOf(bytes), size: bytes.length }
  const open = (start: number) => one(bytes.subarray(start))
  return await repo.put('tree', key, { kind: 'tree', diffId }, [{ descriptor, donor: undefined, open }], signal)
}
