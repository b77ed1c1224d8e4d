import { statSync } from 'node:fs'
import { type Digest, digestOf } from '../oci/digest.ts'
import type { Store } from '../oci/store.ts'
import { type ArchiveTools, openArchive } from './archive.ts'
import { type FetchOptions, fetchIfChanged, fetchSource } from './fetch.ts'
import { isSettled, stampOf } from './known-files.ts'

export interface TakeTools extends ArchiveTools {
  readonly store: ArchiveTools['store'] & Pick<Store, 'get' | 'set'>
  /** The caller's environment: it says which S3 is meant. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** false: what earlier builds found is not believed. */
  readonly trust: boolean
}

/** What a source held when it looked so. */
interface Seen {
  readonly mark: string
  readonly digest: Digest
}

/**
 * sha256 of the tarball that is at `uri` now, which is fetched into the store only if that cannot be known otherwise:
 * by the step's own `sha256`, by the ETag of an earlier download, by the stat of a local file.
 * @throws what `fetchSource` and `openArchive` throw
 */
export async function takeArchive(uri: string, options: FetchOptions, tools: TakeTools): Promise<Digest> {
  if (options.sha256 !== undefined) return `sha256:${options.sha256}`
  return uri.includes('://') ? await takeRemote(uri, options, tools) : await takeLocal(uri, options, tools)
}

async function takeRemote(uri: string, options: FetchOptions, tools: TakeTools): Promise<Digest> {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_PROFILE } = tools.env
  const place = [uri, options.versionId, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_PROFILE]
  const key = digestOf(`ocibake tarball at ${JSON.stringify(place)}`)
  const seen = tools.trust ? ((await tools.store.get(key)) as Seen | undefined) : undefined
  const unless = seen === undefined ? {} : { unlessEtag: seen.mark }
  await using fetched = await fetchIfChanged(uri, { ...options, ...unless }, tools)
  if (fetched === undefined) return seen!.digest
  const { digest } = await openArchive(fetched, tools)
  if (fetched.etag !== undefined) await tools.store.set(key, { mark: fetched.etag, digest } satisfies Seen)
  return digest
}

async function takeLocal(path: string, options: FetchOptions, tools: TakeTools): Promise<Digest> {
  const key = digestOf(`ocibake tarball at ${path}`)
  const now = Date.now()
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  const found = stat === undefined ? undefined : { ...stat, size: Number(stat.size) }
  const mark = found !== undefined && isSettled(found, now) ? stampOf(found) : undefined
  const seen = tools.trust && mark !== undefined ? ((await tools.store.get(key)) as Seen | undefined) : undefined
  if (seen !== undefined && seen.mark === mark) return seen.digest
  await using fetched = await fetchSource(path, options, tools)
  if (mark !== undefined) await tools.store.set(key, { mark, digest: fetched.digest } satisfies Seen)
  return fetched.digest
}
