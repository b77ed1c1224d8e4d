import { OcibakeError } from '../errors.ts'
import type { RegistryClient } from './client.ts'
import { hasBlob } from './has-blob.ts'
import type { OpenUpload } from './open-upload.ts'
import { isTransientStatus, pause, waitBefore } from './retry.ts'
import {
  aboutUpload,
  isTransientFault,
  SessionFault,
  type UploadOptions,
  UploadSession,
  type UploadSource,
} from './upload-session.ts'

/**
 * Stores a blob: as one PUT; if that fails, in chunks; in a new session each time. `open` is an upload that is open
 * already (a mount that was not possible). An upload that failed is no failure if the blob turns out to be there: an
 * answer may be lost, and others push, too. Sessions that came to nothing are ended.
 * @throws REGISTRY_* as the last try failed, INTERRUPTED, and what `source` throws
 */
export async function uploadBlob(
  client: RegistryClient,
  source: UploadSource,
  open: OpenUpload | undefined,
  options: UploadOptions,
): Promise<void> {
  const { attempts: limit } = client.timing
  let opened = open
  let inChunks = false
  let isRefused = false
  for (let attempt = 1; ; attempt++) {
    const failed = await attemptUpload(client, source, opened, inChunks, options)
    if (failed === undefined || (await isThere(client, source, failed, options))) return
    const { why, isChunkRefused } = failed.fault
    const error = why instanceof OcibakeError ? why : await client.failure(why, aboutUpload(source))
    const status = why instanceof OcibakeError ? undefined : why.status
    // One that was opened before may have been forgotten, which registries say in various ways.
    const isStale = attempt === 1 && open !== undefined && status !== undefined
    // The same bytes, sent in another way, have the same digest: a second 400 is an answer.
    const isFinal = attempt >= limit || status === 401 || status === 403 || (status === 400 && isRefused)
    if (isFinal && !isStale) throw error
    isRefused = status === 400 && !isStale
    const isPatient = status === undefined || isTransientStatus(status)
    const retryAfter = why instanceof OcibakeError ? null : why.headers.get('retry-after')
    const waitMilliseconds = isPatient ? waitBefore(attempt, retryAfter, client.timing) : 0
    const what = client.what(aboutUpload(source))
    options.report({ type: 'retry', what, attempt, limit, waitMilliseconds, reason: error.message })
    await pause(waitMilliseconds, options.signal)
    opened = undefined
    inChunks = !isChunkRefused && !isStale
  }
}

interface Failed {
  readonly fault: SessionFault
  /** undefined when none could be opened. */
  readonly session: UploadSession | undefined
}

async function attemptUpload(
  client: RegistryClient,
  source: UploadSource,
  open: OpenUpload | undefined,
  inChunks: boolean,
  options: UploadOptions,
): Promise<Failed | undefined> {
  let session: UploadSession | undefined
  try {
    session = open
      ? new UploadSession(client, source, options, open)
      : await UploadSession.start(client, source, options)
    await (inChunks ? session.sendChunks() : session.sendWhole())
    return undefined
  } catch (error) {
    if (error instanceof SessionFault) return { fault: error, session }
    if (error instanceof OcibakeError && isTransientFault(error)) return { fault: new SessionFault(error), session }
    await session?.abandon()
    throw error
  }
}

/** A session is ended only when its blob turns out not to be there: it may be the answer alone that was lost. */
async function isThere(
  client: RegistryClient,
  { blob }: UploadSource,
  { session }: Failed,
  { signal }: UploadOptions,
): Promise<boolean> {
  let there = false
  try {
    there = await hasBlob(client, blob, signal)
  } finally {
    if (!there) await session?.abandon()
  }
  return there
}
