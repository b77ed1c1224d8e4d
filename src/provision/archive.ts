import { constants, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Content, SliceFile } from '../oci/content.ts'
import { detectCompression } from '../oci/decompress.ts'
import { type Digest, Digester } from '../oci/digest.ts'
import { isKept, type PackedTarball } from '../oci/ingest-tarball.ts'
import { giveBack } from '../oci/single-use.ts'
import type { Store } from '../oci/store.ts'
import type { TarEntry } from '../oci/tar-entry.ts'
import { writeError } from '../oci/write-error.ts'
import { archiveBytes } from './archive-bytes.ts'
import { ArchiveHead } from './archive-head.ts'
import { StartedAgain } from './download-file.ts'
import { checkSha256, regularFile } from './fetch.ts'
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
  /** See `Tarball.packed`. */
  readonly packed: PackedTarball | undefined
}

export interface ArchiveTools extends FetchTools {
  readonly store: Pick<Store, 'workFolder' | 'findTarball' | 'ingestTarball'>
  /** Blocks of tarballs may be in the layer as they are: large ones with gzip are kept. Default: false. */
  readonly blocks?: boolean
}

/**
 * Fetches a tarball and takes it into the store, both at once. Nothing is fetched when `sha256` is given and the store
 * has that tarball already.
 * @throws what `startFetch`, `StartedFetch.done` and `archiveBytes` throw; FETCH_NOT_FOUND, FETCH_DENIED, FILE_CHANGED
 * for a file; CHECKSUM_MISMATCH; ARCHIVE_INVALID for what is no tar
 */
export async function fetchArchive(
  uri: string,
  options: Omit<FetchOptions, 'unlessEtag'>,
  tools: ArchiveTools,
): Promise<Archive> {
  if (options.sha256 !== undefined) {
    const { blocks = false } = tools
    const known = await tools.store.findTarball(`sha256:${options.sha256}`, { blocks })
    if (known !== undefined) return { ...sourceNames(uri), ...known }
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
  return { archive: await takeFile(uri, options, tools), etag: undefined }
}

/** Whether the store has the tarball of this sha256 (hex), so that a build would not fetch it. */
export async function isArchiveCached(
  store: Pick<Store, 'findTarball'>,
  sha256: string,
  blocks: boolean,
): Promise<boolean> {
  return (await store.findTarball(`sha256:${sha256}`, { blocks })) !== undefined
}

/** A file is read where it is; what may be kept of it is copied first. */
async function takeFile(path: string, options: FetchOptions, tools: ArchiveTools): Promise<Archive> {
  const names = sourceNames(path)
  const file = await regularFile(path, names.source)
  const { size } = file
  if (tools.blocks !== true || !isKept({ size, isGzip: await isGzip(file) })) {
    return await takeWhole(file, names, options, tools)
  }
  await using folder = await tools.store.workFolder('copy')
  const copy = join(folder.path, 'bytes')
  await copyFile(path, copy, constants.COPYFILE_FICLONE).catch((error: unknown) => {
    throw writeError(error, copy, size)
  })
  return await takeWhole(await regularFile(copy, names.source), names, options, tools, copy)
}

async function isGzip(file: Content): Promise<boolean> {
  for await (const chunk of file.open()) return detectCompression(chunk) === 'gzip'
  return false
}

async function takeWhole(
  file: Content,
  names: SourceNames,
  options: FetchOptions,
  tools: ArchiveTools,
  path?: string,
): Promise<Archive> {
  try {
    return await takeIn(file.open(), names, options, tools, path)
  } catch (error) {
    if (isOfArchive(error)) await checkBytes(file.open(), names, options)
    throw error
  }
}

/** Inflates and indexes while the rest is still being downloaded. Nothing of it counts before all of it was verified. */
async function takeArriving(
  uri: string,
  { file, done }: StartedFetch,
  options: FetchOptions,
  tools: ArchiveTools,
): Promise<FetchedArchive | undefined> {
  const names = sourceNames(uri)
  await file.begun()
  if (file.isEmpty && (await done).isUnchanged) return undefined
  for (;;) {
    try {
      const path = tools.blocks === true ? file.path : undefined
      return { archive: await takeIn(file.bytes(), names, options, tools, path), etag: (await done).etag }
    } catch (error) {
      if (error instanceof StartedAgain) continue
      // A full disk is nobody's bytes' fault: then the download ends here.
      if (error instanceof OcibakeError && !isOfArchive(error)) throw error
      await done
      await checkBytes(file.bytes(), names, options)
      throw error
    }
  }
}

function isOfArchive(error: unknown): boolean {
  return error instanceof OcibakeError && /^ARCHIVE_/.test(error.code)
}

/** The wrong bytes are a better reason than what is wrong with them. @throws CHECKSUM_MISMATCH */
async function checkBytes(
  bytes: AsyncIterable<Uint8Array>,
  { source }: SourceNames,
  { sha256 }: FetchOptions,
): Promise<void> {
  const digester = new Digester()
  for await (const chunk of bytes) {
    digester.update(chunk)
    giveBack(chunk)
  }
  checkSha256({ digest: digester.digest(), size: digester.size }, sha256, source)
}

/** @param path see `IngestTarballOptions` */
async function takeIn(
  bytes: AsyncIterable<Uint8Array>,
  names: SourceNames,
  { sha256 }: FetchOptions,
  { store, signal }: ArchiveTools,
  path: string | undefined,
): Promise<Archive> {
  const head = new ArchiveHead()
  try {
    const tarball = await store.ingestTarball(bytes, {
      check: (whole) => checkSha256(whole, sha256, names.source),
      unpack: (packed) => head.of(archiveBytes(packed, names.name, signal)),
      name: names.name,
      onHead: (raw) => head.see(raw),
      ...(path === undefined ? {} : { path }),
      signal,
    })
    return { ...names, ...tarball }
  } catch (error) {
    throw error instanceof OcibakeError && error.code === 'ARCHIVE_INVALID' ? head.explain(error, names) : error
  }
}
