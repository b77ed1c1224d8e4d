import type { Readable } from 'node:stream'
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3'
import { OcibakeError } from '../errors.ts'
import { readContentRange } from '../network/content-range.ts'
import type { Network } from '../network/network.ts'
import { display, fromText } from '../oci/name.ts'
import { type Download, PATIENCE, PassingFault, type Validated } from './download.ts'
import { checkObject, type ObjectChecksum, objectChecksum } from './s3-checksum.ts'
import { s3Client } from './s3-client.ts'
import { noCredentials, regionOf, s3Failure } from './s3-failure.ts'
import { parseS3Uri, type S3Location } from './s3-location.ts'
import { type AskRange, type Condition, fetchRanges, type RangeAnswer } from './s3-ranges.ts'

export interface S3Options {
  readonly versionId?: string
  /** What the caller is going to verify. */
  readonly sha256?: string
  readonly unlessEtag?: string
}

/**
 * Downloads an object into the download's file, its parts in parallel and all of one and the same object. The bucket's
 * region is found out when it is not the configured one. What arrived has the checksum that S3 keeps of the object, if it
 * keeps one and may be asked; with `sha256` it is for the caller to verify. Nothing arrives while the object has the ETag
 * `unlessEtag`.
 * @throws CHECKSUM_MISMATCH, FETCH_NOT_FOUND, FETCH_DENIED, FETCH_CHANGED, FETCH_FAILED, DISK_FULL, INTERRUPTED
 */
export async function fetchS3(
  location: S3Location,
  { versionId, sha256, unlessEtag: known }: S3Options,
  download: Download,
): Promise<Validated> {
  const client = await s3Client(download.network).catch((error: unknown) => {
    throw noCredentials(download.what, error)
  })
  const bucket = new Bucket(client, download.network)
  const ask: AskRange = (start, end, condition) =>
    bucket.ask(location, versionId, { start, end, ...condition }, download)
  try {
    const check = async ({ size, etag }: { readonly size: number; readonly etag: string }) => {
      const checksum = await bucket.checksum(location, versionId, etag, download)
      if (checksum !== undefined) await checkObject(checksum, download.file.bytes(), size, download.what)
    }
    return await fetchRanges(ask, download, { known, ...(sha256 === undefined && { check }) })
  } finally {
    bucket.client.destroy()
  }
}

/** Bytes of an object, for a plan: asks once, fetches nothing. @throws FETCH_NOT_FOUND, FETCH_DENIED, FETCH_FAILED */
export async function s3ObjectSize(
  uri: string,
  versionId: string | undefined,
  network: Network,
  signal: AbortSignal,
): Promise<number> {
  const what = display(fromText(uri))
  const client = await s3Client(network).catch((error: unknown) => {
    throw noCredentials(what, error)
  })
  const bucket = new Bucket(client, network)
  const asking: Asking = {
    what,
    answered: (send) => send(AbortSignal.any([signal, AbortSignal.timeout(PATIENCE.idle)])),
  }
  try {
    const answer = (await bucket.ask(parseS3Uri(uri), versionId, { start: 0, end: 1 }, asking))!
    answer.body.destroy()
    return answer.size
  } finally {
    bucket.client.destroy()
  }
}

type Asking = Pick<Download, 'what' | 'answered'>

interface Wanted extends Condition {
  readonly start: number
  readonly end: number
}

/** A client that moves to the bucket's region once an answer has named it. */
class Bucket {
  client: S3Client
  readonly #network: Network
  #moved = false

  constructor(client: S3Client, network: Network) {
    this.client = client
    this.#network = network
  }

  async ask(
    location: S3Location,
    versionId: string | undefined,
    wanted: Wanted,
    download: Asking,
  ): Promise<RangeAnswer | undefined> {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3')
    const { start, end, ifMatch, ifNoneMatch } = wanted
    const command = new GetObjectCommand({
      Bucket: location.bucket,
      Key: location.key,
      ...(end > start && { Range: `bytes=${start}-${end - 1}` }),
      ...(versionId !== undefined && { VersionId: versionId }),
      ...(ifMatch !== undefined && { IfMatch: ifMatch }),
      ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
    })
    try {
      const output = await download.answered((abortSignal) => this.client.send(command, { abortSignal }))
      return answerOf(output, start)
    } catch (error) {
      if (await this.#moveTo(regionOf(error))) return this.ask(location, versionId, wanted, download)
      // The range of an empty object is never satisfiable (RFC 9110, section 14.1.2).
      if (statusOf(error) === 416 && start === 0 && end > 0)
        return this.ask(location, versionId, { ...wanted, end: 0 }, download)
      if (statusOf(error) === 304) return undefined
      throw s3Failure(error, download.what)
    }
  }

  /**
   * What S3 keeps of the bytes of the object with this ETag. undefined also when it does not say: many that are not Amazon's
   * know nothing of it, and bytes with TLS and an ETag are what has been good enough for all.
   */
  async checksum(
    location: S3Location,
    versionId: string | undefined,
    etag: string,
    download: Asking,
  ): Promise<ObjectChecksum | undefined> {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3')
    const command = new HeadObjectCommand({
      ...{ Bucket: location.bucket, Key: location.key, IfMatch: etag, ChecksumMode: 'ENABLED' },
      ...(versionId !== undefined && { VersionId: versionId }),
    })
    try {
      return objectChecksum(await download.answered((abortSignal) => this.client.send(command, { abortSignal })))
    } catch (error) {
      if (error instanceof OcibakeError) throw error
      return undefined
    }
  }

  async #moveTo(region: string | undefined): Promise<boolean> {
    if (this.#moved || region === undefined || region === (await this.client.config.region())) return false
    this.#moved = true
    this.client.destroy()
    this.client = await s3Client(this.#network, region)
    return true
  }
}

function answerOf(output: GetObjectCommandOutput, asked: number): RangeAnswer {
  const body = output.Body as Readable
  const range = readContentRange(output.ContentRange)
  const etag = output.ETag
  if (etag !== undefined && range?.total !== undefined) {
    return { start: range.first, end: range.last + 1, size: range.total, etag, body }
  }
  const size = output.ContentLength
  if (etag !== undefined && size !== undefined) return { start: 0, end: size, size, etag, body }
  body.destroy()
  throw new PassingFault(`the answer for byte ${asked} has no size or no ETag, so it is not S3's`)
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode
}
