import { OcibakeError } from '../errors.ts'
import type { SliceFile } from '../oci/content.ts'
import { type Digest, Digester, digestOf } from '../oci/digest.ts'
import type { Store } from '../oci/store.ts'
import type { IndexedTar } from '../oci/store-layers.ts'
import type { TarEntry } from '../oci/tar-entry.ts'
import { archiveBytes } from './archive-bytes.ts'
import { ArchiveHead } from './archive-head.ts'
import { StartedAgain } from './download-file.ts'
import { checkSha256, type Fetched, fetchSource } from './fetch.ts'
import {
  type FetchOptions,
  type FetchTools,
  type SourceNames,
  type StartedFetch,
  sourceNames,
  startFetch,
} from './start-fetch.ts'

/** A tarball whose raw tar is in the store. */
export interface Archive extends SourceNames {
  /** sha256 of the tarball as it was fetched. */
  readonly digest: Digest
  /** Its members, made anew each time. */
  entries(): Iterable<TarEntry>
  /** What the entries' data are slices of. */
  readonly file: SliceFile
}

export interface ArchiveTools extends FetchTools {
  readonly store: Pick<Store, 'workFolder' | 'findTar' | 'ingestTar'>
}

/**
 * Fetches a tarball and takes it into the store, both at once. Nothing is fetched when `sha256` is given and the store
 * has that tarball already.
 * @throws what `fetchSource` and `archiveBytes` throw; ARCHIVE_INVALID for what is no tar
 */
export async function fetchArchive(
  uri: string,
  options: Omit<FetchOptions, 'unlessEtag'>,
  tools: ArchiveTools,
): Promise<Archive> {
  if (options.sha256 !== undefined) {
    const digest: Digest = `sha256:${options.sha256}`
    const known = await tools.store.findTar(keyOf(digest))
    if (known !== undefined) return archiveOf(sourceNames(uri), digest, known)
  }
  return (await fetchArchiveIfChanged(uri, options, tools))!.archive
}

/** A tarball as it is now, with the ETag by which its source can be asked whether it is still the same. */
export interface FetchedArchive {
  readonly archive: Archive
  readonly etag: string | undefined
}

/** As `fetchArchive`, whatever the store has; undefined when the source still has the ETag `unlessEtag`. */
export async function fetchArchiveIfChanged(
  uri: string,
  options: FetchOptions,
  tools: ArchiveTools,
): Promise<FetchedArchive | undefined> {
  await using started = await startFetch(uri, options, tools)
  if (started !== undefined) return await takeArriving(uri, started, options, tools)
  await using fetched = await fetchSource(uri, options, tools)
  return { archive: await openArchive(fetched, tools), etag: undefined }
}

/** Whether the store has the tarball of this sha256 (hex), so that a build would not fetch it. */
export async function isArchiveCached(store: Pick<Store, 'findTar'>, sha256: string): Promise<boolean> {
  return (await store.findTar(keyOf(`sha256:${sha256}`))) !== undefined
}

/** Takes what was fetched into the store, decompressed, unless it is there. */
async function openArchive(fetched: Fetched, tools: ArchiveTools): Promise<Archive> {
  const tar = await takeIn(fetched, fetched.open(), keyOf(fetched.digest), tools)
  return archiveOf(fetched, fetched.digest, tar)
}

/** Inflates and indexes while the rest is still being downloaded. Nothing of it counts before all of it was verified. */
async function takeArriving(
  uri: string,
  { file, done }: StartedFetch,
  { sha256 }: FetchOptions,
  tools: ArchiveTools,
): Promise<FetchedArchive | undefined> {
  const names = sourceNames(uri)
  await file.begun()
  if (file.isEmpty && (await done).isUnchanged) return undefined
  for (;;) {
    const passing = new PassingDigest()
    try {
      const bytes = passing.of(file.bytes(), (whole) => checkSha256(whole, sha256, names.source))
      const tar = await takeIn(names, bytes, () => keyOf(passing.digest), tools)
      return { archive: archiveOf(names, passing.digest, tar), etag: (await done).etag }
    } catch (error) {
      if (error instanceof StartedAgain) continue
      // A full disk is nobody's bytes' fault: then the download ends here.
      if (error instanceof OcibakeError && !/^ARCHIVE_/.test(error.code)) throw error
      await done
      // The wrong bytes are a better reason than what is wrong with them.
      for await (const _ of new PassingDigest().of(file.bytes(), (whole) => checkSha256(whole, sha256, names.source)));
      throw error
    }
  }
}

/** The digest of a stream that passes by. */
class PassingDigest {
  #digest: Digest | undefined

  /** @param check is called at the end; what it throws ends the stream */
  async *of(
    bytes: AsyncIterable<Uint8Array>,
    check: (whole: { readonly digest: Digest; readonly size: number }) => void,
  ): AsyncGenerator<Uint8Array> {
    const digester = new Digester()
    for await (const chunk of bytes) {
      digester.update(chunk)
      yield chunk
    }
    this.#digest = digester.digest()
    check({ digest: this.#digest, size: digester.size })
  }

  /** When all has passed. */
  get digest(): Digest {
    if (this.#digest === undefined) throw new Error('the stream has not ended')
    return this.#digest
  }
}

async function takeIn(
  names: SourceNames,
  bytes: AsyncIterable<Uint8Array>,
  key: Digest | (() => Digest),
  { store, signal }: ArchiveTools,
): Promise<IndexedTar> {
  const head = new ArchiveHead()
  try {
    return await store.ingestTar(head.of(archiveBytes(bytes, names.name, signal)), { key, signal })
  } catch (error) {
    throw error instanceof OcibakeError && error.code === 'ARCHIVE_INVALID' ? head.explain(error, names) : error
  }
}

function archiveOf({ name, source }: SourceNames, digest: Digest, { file, entries }: IndexedTar): Archive {
  return { name, source, digest, file, entries }
}

/** The store's key for the tar inside a tarball. */
function keyOf(tarball: Digest): Digest {
  return digestOf(`tar inside ${tarball}`)
}
