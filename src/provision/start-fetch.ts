import { basename, join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { bareUrl } from '../network/bare-url.ts'
import { display, fromText } from '../oci/name.ts'
import type { Store } from '../oci/store.ts'
import { Download, type DownloadTools, type Patience, type Validated } from './download.ts'
import { DownloadFile } from './download-file.ts'
import { fetchHttps } from './fetch-https.ts'
import { fetchS3 } from './s3.ts'
import { parseS3Uri } from './s3-location.ts'

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

/** What to call a source in messages. */
export interface SourceNames {
  /** The file's name. */
  readonly name: string
  /** The whole, without credentials and query string. */
  readonly source: string
}

/** The names of a source: a path, or an address. */
export function sourceNames(uri: string): SourceNames {
  const scheme = schemeOf(uri)
  const url = scheme === undefined || scheme === 's3' ? null : URL.parse(uri)
  const plain = scheme === undefined || scheme === 's3' ? uri : `${scheme}://…`
  const source = url === null ? plain : bareUrl(url)
  return { source: display(fromText(source)), name: display(fromText(basename(source))) }
}

function schemeOf(uri: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]?.toLowerCase()
}

/** A download under way. Its file is gone once this is disposed of, which ends the download too. */
export interface StartedFetch extends AsyncDisposable {
  /** To be read while it grows. */
  readonly file: DownloadFile
  /** How the download ended. @throws FETCH_NOT_FOUND, FETCH_DENIED, FETCH_CHANGED, FETCH_FAILED, DISK_FULL, INTERRUPTED; nothing is verified */
  readonly done: Promise<Validated>
}

/**
 * Starts to bring `s3://bucket/key` or `https://…` to this machine; undefined for a path. http is for loopback alone.
 * Nothing is held in memory. @throws SPEC_INVALID, DISK_FULL
 */
export async function startFetch(
  uri: string,
  options: FetchOptions,
  tools: FetchTools,
): Promise<StartedFetch | undefined> {
  const { source } = sourceNames(uri)
  const fetch = fetcherFor(uri, options, source)
  if (fetch === undefined) return undefined
  const folder = await tools.store.workFolder('fetch')
  try {
    const file = await DownloadFile.create(join(folder.path, 'bytes'))
    const download = new Download(source, file, tools, options.patience)
    const done = download.run(async () => await fetch(download))
    // Whoever waits for it gets the error; it must not count as unhandled until then.
    const settled = done.then(
      () => file.end('whole'),
      () => file.end('gone'),
    )
    const end = async () => {
      download.cancel(new OcibakeError('INTERRUPTED', `Nobody needs ${source} any more.`))
      await settled
      await file.close()
      await folder[Symbol.asyncDispose]()
    }
    return { file, done, [Symbol.asyncDispose]: end }
  } catch (error) {
    await folder[Symbol.asyncDispose]()
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
    return (download) => fetchS3(location, options, download)
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
