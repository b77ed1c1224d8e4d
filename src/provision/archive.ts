import { OcibakeError } from '../errors.ts'
import type { SliceFile } from '../oci/content.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import type { Store } from '../oci/store.ts'
import type { TarEntry } from '../oci/tar-entry.ts'
import { archiveBytes } from './archive-bytes.ts'
import { lookOf } from './archive-look.ts'
import { type Fetched, type FetchOptions, type FetchTools, fetchSource, sourceNames } from './fetch.ts'

/** A tarball whose raw tar is in the store. */
export interface Archive {
  /** The file's name and the source, fit for messages. */
  readonly name: string
  readonly source: string
  /** sha256 of the tarball as it was fetched. */
  readonly digest: Digest
  readonly entries: readonly TarEntry[]
  /** What the entries' data are slices of. */
  readonly file: SliceFile
}

export interface ArchiveTools extends FetchTools {
  readonly store: Pick<Store, 'workFolder' | 'findTar' | 'ingestTar'>
}

/**
 * Fetches a tarball and takes it into the store. Nothing is fetched when `sha256` is given and the store has that
 * tarball already. @throws what `fetchSource` and `archiveBytes` throw; ARCHIVE_INVALID for what is no tar
 */
export async function fetchArchive(uri: string, options: FetchOptions, tools: ArchiveTools): Promise<Archive> {
  if (options.sha256 !== undefined) {
    const digest: Digest = `sha256:${options.sha256}`
    const known = await tools.store.findTar(keyOf(digest))
    if (known !== undefined) return { ...sourceNames(uri), digest, entries: [...known.entries()], file: known.file }
  }
  await using fetched = await fetchSource(uri, options, tools)
  return await openArchive(fetched, tools)
}

/** Whether the store has the tarball of this sha256 (hex), so that a build would not fetch it. */
export async function isArchiveCached(store: Pick<Store, 'findTar'>, sha256: string): Promise<boolean> {
  return (await store.findTar(keyOf(`sha256:${sha256}`))) !== undefined
}

/** Takes what was fetched into the store, decompressed, unless it is there. */
export async function openArchive(fetched: Fetched, { store, signal }: ArchiveTools): Promise<Archive> {
  const seen = new Head()
  try {
    const bytes = seen.of(archiveBytes(fetched, signal))
    const { entries, file } = await store.ingestTar(bytes, { key: keyOf(fetched.digest), signal })
    return { name: fetched.name, source: fetched.source, digest: fetched.digest, entries: [...entries()], file }
  } catch (error) {
    throw error instanceof OcibakeError && error.code === 'ARCHIVE_INVALID' ? explained(error, fetched, seen) : error
  }
}

function explained(error: OcibakeError, { name, source }: Fetched, seen: Head): OcibakeError {
  if (error.message.includes(name)) return error
  const detail = { hint: 'Check the address: tar, tar.gz, tar.zst, tar.xz and tar.bz2 can be unpacked.', cause: error }
  if (seen.isTar)
    return new OcibakeError('ARCHIVE_INVALID', `${name}: ${error.message}`, {
      ...detail,
      hint: 'Fetch or make it again.',
    })
  return new OcibakeError(
    'ARCHIVE_INVALID',
    `${source} is no tar archive; it looks like ${lookOf(seen.bytes)}.`,
    detail,
  )
}

/** The store's key for the tar inside a tarball. */
function keyOf(tarball: Digest): Digest {
  return digestOf(`tar inside ${tarball}`)
}

const BLOCK = 512

/** Remembers the first block of a stream that passes by. */
class Head {
  bytes = Buffer.alloc(0)

  async *of(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      if (this.bytes.byteLength < BLOCK) this.bytes = Buffer.concat([this.bytes, chunk.subarray(0, BLOCK)])
      yield chunk
    }
  }

  /** Whether the first block is a header, its checksum being right, or zeros. */
  get isTar(): boolean {
    const block = this.bytes.subarray(0, BLOCK)
    if (block.byteLength < BLOCK) return false
    const wanted = Number.parseInt(block.toString('latin1', 148, 156), 8)
    const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
    return sum === wanted || sum === 8 * 0x20
  }
}
