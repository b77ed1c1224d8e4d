import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { OcibakeError, systemCode } from '../errors.ts'
import { type Content, HostFile } from '../oci/content.ts'
import type { Digest } from '../oci/digest.ts'
import { display, fromText } from '../oci/name.ts'
import type { Store } from '../oci/store.ts'
import { Download, type DownloadTools, type Patience, type Validated } from './download.ts'
import { DownloadFile } from './download-file.ts'
import { fetchHttps } from './fetch-https.ts'
import { fetchS3, parseS3Uri } from './s3.ts'
import { displayUrl } from './web-address.ts'

export interface FetchOptions {
  /** 64 hex digits that the bytes must hash to. */
  readonly sha256?: string
  /** Of an S3 object. */
  readonly versionId?: string
  /** Allows a web address without `sha256`. */
  readonly unverified?: boolean
  readonly patience?: Patience
  /** Nothing is fetched while the source has this ETag. */
  readonly unlessEtag?: string
}

/** What fetching needs: part of a step's Tools. */
export interface FetchTools extends DownloadTools {
  readonly store: Pick<Store, 'workFolder'>
}

/** Bytes that are on this machine now, verified if they could be. A download is gone once this is disposed of. */
export interface Fetched extends Content, AsyncDisposable {
  /** The file's name, fit for messages. */
  readonly name: string
  /** Where it came from, without credentials and query string. */
  readonly source: string
  /** sha256 of the bytes. */
  readonly digest: Digest
  readonly path: string
  /** By which the source can be asked whether it is still the same. */
  readonly etag: string | undefined
}

/** What to call a source in messages: its last component and the whole, both without credentials and query string. */
export function sourceNames(uri: string): Pick<Fetched, 'name' | 'source'> {
  const scheme = schemeOf(uri)
  const url = scheme === undefined || scheme === 's3' ? null : URL.parse(uri)
  const plain = scheme === undefined || scheme === 's3' ? uri : `${scheme}://…`
  const source = url === null ? plain : displayUrl(url)
  return { source: display(fromText(source)), name: display(fromText(basename(source))) }
}

function schemeOf(uri: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]?.toLowerCase()
}

/**
 * Brings `s3://bucket/key`, `https://…` or the file at an absolute path to this machine. Nothing is held in memory.
 * http is for loopback alone. A file at a path is not copied: reading it later throws FILE_CHANGED if it has changed.
 * @throws FETCH_NOT_FOUND, FETCH_DENIED, FETCH_CHANGED, FETCH_FAILED, CHECKSUM_MISMATCH, SPEC_INVALID, DISK_FULL, INTERRUPTED
 */
export async function fetchSource(
  uri: string,
  options: Omit<FetchOptions, 'unlessEtag'>,
  tools: FetchTools,
): Promise<Fetched> {
  return (await fetchIfChanged(uri, options, tools))!
}

/** As `fetchSource`; undefined when the source still has the ETag `unlessEtag`. */
export async function fetchIfChanged(
  uri: string,
  options: FetchOptions,
  tools: FetchTools,
): Promise<Fetched | undefined> {
  const names = sourceNames(uri)
  const fetch = fetcherFor(uri, options, names.source)
  if (fetch === undefined) return verified(uri, names, options, undefined, async () => {})
  const folder = await tools.store.workFolder('fetch')
  const remove = async () => folder[Symbol.asyncDispose]()
  try {
    const path = join(folder.path, 'bytes')
    const file = await DownloadFile.create(path)
    const download = new Download(names.source, file, tools, options.patience)
    const { etag, isUnchanged } = await download.run(() => fetch(download)).finally(() => file.close())
    if (!isUnchanged) return await verified(path, names, options, etag, remove)
    await remove()
    return undefined
  } catch (error) {
    await remove()
    throw error
  }
}

type Fetch = (download: Download) => Promise<Validated>

/** undefined for a path. */
function fetcherFor(uri: string, options: FetchOptions, source: string): Fetch | undefined {
  const scheme = schemeOf(uri)
  if (scheme === undefined) return undefined
  if (scheme === 's3') {
    const location = parseS3Uri(uri)
    return (download) => fetchS3(location, options.versionId, download, options.unlessEtag)
  }
  const url = scheme === 'https' || scheme === 'http' ? URL.parse(uri) : null
  if (url === null) {
    throw new OcibakeError('SPEC_INVALID', `${source} is no source; wanted s3://, https:// or a path.`)
  }
  if (options.sha256 === undefined && options.unverified !== true) {
    throw new OcibakeError('SPEC_INVALID', `${source} has no sha256 to be verified by.`, {
      hint: 'Add `sha256`, or say `unverified: true`.',
    })
  }
  return (download) => fetchHttps(url, download, options.unlessEtag)
}

async function verified(
  path: string,
  names: Pick<Fetched, 'name' | 'source'>,
  { sha256 }: FetchOptions,
  etag: string | undefined,
  remove: () => Promise<void>,
): Promise<Fetched> {
  const content = await regularFile(path, names.source)
  const digest = await digestOf(content, sha256, names.source)
  return { ...names, path, digest, etag, size: content.size, open: () => content.open(), [Symbol.asyncDispose]: remove }
}

async function regularFile(path: string, source: string): Promise<HostFile> {
  try {
    // Without O_NONBLOCK, opening a fifo would wait for a writer for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = await handle.stat({ bigint: true })
      if (!stat.isFile()) throw new OcibakeError('ARCHIVE_INVALID', `${source} is no regular file.`)
      return new HostFile(Buffer.from(path), { size: Number(stat.size), mtimeNs: stat.mtimeNs, ino: stat.ino })
    } finally {
      await handle.close()
    }
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const hint = 'Paths are relative to the spec file.'
      throw new OcibakeError('FETCH_NOT_FOUND', `${source} does not exist.`, { hint, cause })
    }
    if (code === 'EACCES') throw new OcibakeError('FETCH_DENIED', `${source} may not be read.`, { cause })
    throw cause
  }
}

async function digestOf(content: Content, sha256: string | undefined, source: string): Promise<Digest> {
  const { default: ssri } = await import('ssri')
  const got = await ssri.fromStream(Readable.from(content.open()), { algorithms: ['sha256'] })
  const hex = got.hexDigest()
  if (sha256 !== undefined && !got.match(ssri.fromHex(sha256, 'sha256'))) {
    const size = `${content.size} bytes`
    throw new OcibakeError('CHECKSUM_MISMATCH', `${source} (${size}) has the sha256 ${hex}; wanted ${sha256}.`, {
      hint: 'If the file is meant to have changed, put its new sha256 into the spec; else do not use it.',
    })
  }
  return `sha256:${hex}`
}
