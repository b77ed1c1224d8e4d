import { messageOf, OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { type Digest, hexOf } from '../oci/digest.ts'
import { readJsonObject, writeJson } from '../oci/json.ts'
import { JsonFields } from '../oci/json-fields.ts'
import type { Reference } from '../oci/reference.ts'
import type { Descriptor } from '../oci/source.ts'
import { type ArtifactBlob, findArtifact, putArtifact } from '../registry/artifacts.ts'
import { readBlob } from '../registry/blob.ts'
import { RegistryClient } from '../registry/client.ts'
import type { RegistryConnection } from '../registry/connection.ts'
import { StallWatch } from './stall-watch.ts'

export interface CacheRepoOptions {
  /** A repository of a registry; which tag it names does not matter. */
  readonly reference: Reference
  /** Whether what builds make is put there; it is taken from there in any case. */
  readonly push: boolean
  readonly connection: RegistryConnection
  readonly report: Report
}

/** What is kept: finished layers, results of scripts, trees of layers of bases. */
export type EntryKind = 'layer' | 'step' | 'tree'

/** What the repository has under a key. */
export interface CacheEntry {
  /** As somebody wrote it: its shape is for the reader to check. */
  readonly record: JsonFields
  readonly blobs: readonly Descriptor[]
}

/** Milliseconds: for a record, for more of a blob that comes, for more of one that goes. Registries may copy what they got. */
const [PROMPT, STALL, SETTLE] = [10_000, 20_000, 60_000]
/** Tries of a request. Whoever can do without does not insist. */
const ATTEMPTS = 2

/**
 * A repository of a registry in which builds of other machines find what a build has made, by the keys of the store. Each
 * entry is an artifact of its own, under a tag. Nothing here fails a build: what the repository does not have, does not
 * give or has wrong is as good as not there, and of all that went wrong one warning tells.
 */
export class CacheRepo {
  readonly reference: Reference
  /** `registry/repository`. */
  readonly name: string
  readonly #options: CacheRepoOptions
  readonly #entries = new Map<string, Promise<CacheEntry | undefined>>()
  #isReadable = true
  #isWritable: boolean
  #hasWarned = false

  constructor(options: CacheRepoOptions) {
    const { registry, repository } = options.reference
    this.reference = { registry, repository }
    this.name = `${registry}/${repository}`
    this.#options = options
    this.#isWritable = options.push
  }

  /** Whether it is worth asking. */
  get isReadable(): boolean {
    return this.#isReadable
  }

  get isWritable(): boolean {
    return this.#isWritable
  }

  /** What is there under this key; asked once. undefined when nothing of use is. @throws the signal's reason */
  async find(kind: EntryKind, key: Digest, signal: AbortSignal): Promise<CacheEntry | undefined> {
    if (!this.#isReadable) return undefined
    const tag = tagOf(kind, key)
    const known = this.#entries.get(tag) ?? this.#ask(kind, key, signal)
    this.#entries.set(tag, known)
    // One that was interrupted says nothing of what is there.
    known.catch(() => this.#entries.delete(tag))
    return await known
  }

  /** Takes what `find` gave for nothing, which it has turned out to be, and tells why. @throws what is not the repository's fault */
  refuse(kind: EntryKind, key: Digest, error: unknown, signal: AbortSignal): void {
    this.#entries.set(tagOf(kind, key), Promise.resolve(undefined))
    this.#gaveUp(`What ${this.name}:${tagOf(kind, key)} keeps cannot be used`, error, signal)
  }

  /** The bytes of an entry's blob, unverified. @throws REGISTRY_*, BLOB_MISMATCH, the signal's reason */
  async *open(blob: Descriptor, start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    using watch = new StallWatch(signal, STALL, this.name)
    const client = await this.#client('pull')
    for await (const chunk of readBlob(client, blob, start, { signal: watch.signal, report: this.#options.report })) {
      watch.rest()
      yield chunk
      watch.moved()
    }
  }

  /** Puts an entry there, instead of what may be there. @returns whether it did @throws the signal's reason */
  async put(
    kind: EntryKind,
    key: Digest,
    record: object,
    blobs: readonly ArtifactBlob[],
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!this.#isWritable) return false
    const tag = tagOf(kind, key)
    const document = writeJson({ key, record })
    using watch = new StallWatch(signal, SETTLE, this.name)
    const watched = blobs.map((blob) => ({ ...blob, open: (start: number) => moving(blob.open(start), watch) }))
    try {
      const client = await this.#client('push')
      const options = { signal: watch.signal, report: this.#options.report }
      await putArtifact(client, tag, { mediaType: typeOf(kind), document, blobs: watched }, options)
    } catch (error) {
      this.#isWritable = false
      this.#gaveUp(`Nothing more is put into the cache repository ${this.name}`, error, signal)
      return false
    }
    const descriptors = blobs.map(({ descriptor }) => descriptor)
    this.#entries.set(tag, Promise.resolve({ record: recordIn(document, key), blobs: descriptors }))
    return true
  }

  async #ask(kind: EntryKind, key: Digest, signal: AbortSignal): Promise<CacheEntry | undefined> {
    const { report } = this.#options
    try {
      using watch = new StallWatch(signal, PROMPT, this.name)
      const client = await this.#reached(signal, watch)
      const found = await findArtifact(client, tagOf(kind, key), typeOf(kind), { signal: watch.signal, report })
      return found && { record: recordIn(found.document, key), blobs: found.blobs }
    } catch (error) {
      this.#gaveUp(`The cache repository ${this.name} cannot be read`, error, signal)
      return undefined
    }
  }

  /** Others may wait for the registry to be found, too: that goes on when nobody here waits for it any more. */
  async #reached(signal: AbortSignal, { signal: impatient }: StallWatch): Promise<RegistryClient> {
    const { connection, reference } = this.#options
    const finding = connection.toOwn(reference).then((own) => own.endpoint(reference.registry, signal))
    const { promise, reject } = Promise.withResolvers<never>()
    const giveUp = () => reject(impatient.reason)
    impatient.addEventListener('abort', giveUp, { once: true })
    try {
      await Promise.race([finding, promise])
    } finally {
      impatient.removeEventListener('abort', giveUp)
    }
    return await this.#client('pull')
  }

  async #client(purpose: 'pull' | 'push'): Promise<RegistryClient> {
    const { connection, reference } = this.#options
    return new RegistryClient(await connection.toOwn(reference), reference, purpose, ATTEMPTS)
  }

  /** What the registry says of one entry says nothing of others; one that does not answer is not asked again. */
  #gaveUp(what: string, error: unknown, signal: AbortSignal): void {
    if (signal.aborted || !(error instanceof OcibakeError) || !error.code.match(OF_REGISTRY)) throw error
    const isOfAll = OF_ALL.test(error.code)
    if (isOfAll) this.#isReadable = false
    // Some registries say this of a repository that the first push makes.
    if (isOfAll && !DENIED.has(error.code)) this.#isWritable = false
    if (this.#hasWarned) return
    this.#hasWarned = true
    const hint = error.hint === undefined ? {} : { hint: error.hint }
    this.#options.report({ type: 'warning', message: `${what}: ${messageOf(error)}`, ...hint })
  }
}

/** USAGE: registries.conf says nothing of use. */
const OF_REGISTRY =
  /^(USAGE|REGISTRY_|CREDENTIAL|MANIFEST_|BLOB_MISMATCH|DIFF_ID_MISMATCH|LAYER_INVALID|ARCHIVE_|PATH_INVALID|STORE_CORRUPT|DISK_FULL)/
const OF_ALL = /^(USAGE|REGISTRY_(?!NOT_FOUND))/
const DENIED: ReadonlySet<string> = new Set(['REGISTRY_DENIED', 'REGISTRY_UNAUTHORIZED'])

const tagOf = (kind: EntryKind, key: Digest) => `${kind}-${hexOf(key)}`
const typeOf = (kind: EntryKind) => `application/vnd.ocibake.cache.${kind}.v1+json`

/** @throws MANIFEST_INVALID for what was not written under this key */
function recordIn(document: Buffer, key: Digest): JsonFields {
  const what = `the record of ${key}`
  const fields = new JsonFields(readJsonObject(document, what, 'MANIFEST_INVALID'), what, 'MANIFEST_INVALID')
  if (fields.digest('key') !== key) fields.refuse('key', key)
  return fields.optionalObject('record') ?? fields.refuse('record', 'an object')
}

async function* moving(bytes: AsyncIterable<Uint8Array>, watch: StallWatch): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    yield chunk
    watch.moved()
  }
}
