import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { OcibakeError, systemCode } from '../errors.ts'
import { type Content, HostFile } from '../oci/content.ts'
import { type Digest, hexOf } from '../oci/digest.ts'
import { type FetchOptions, type FetchTools, type SourceNames, sourceNames, startFetch } from './start-fetch.ts'

/** Bytes that are on this machine now, verified if they could be. A download is gone once this is disposed of. */
export interface Fetched extends Content, SourceNames, AsyncDisposable {
  /** sha256 of the bytes. */
  readonly digest: Digest
  readonly path: string
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
  const names = sourceNames(uri)
  const started = await startFetch(uri, options, tools)
  if (started === undefined) return verified(uri, names, options, async () => {})
  const end = async () => started[Symbol.asyncDispose]()
  try {
    await started.done
    return await verified(started.file.path, names, options, end)
  } catch (error) {
    await end()
    throw error
  }
}

async function verified(
  path: string,
  names: SourceNames,
  { sha256 }: FetchOptions,
  remove: () => Promise<void>,
): Promise<Fetched> {
  const content = await regularFile(path, names.source)
  const digest = await digestOf(content, sha256, names.source)
  return { ...names, path, digest, size: content.size, open: () => content.open(), [Symbol.asyncDispose]: remove }
}

/**
 * A file at an absolute path, which is opened now to see whether it can be.
 * @throws ARCHIVE_INVALID for what is no regular file, FETCH_NOT_FOUND, FETCH_DENIED
 */
export async function regularFile(path: string, source: string): Promise<HostFile> {
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
  const digest: Digest = `sha256:${got.hexDigest()}`
  checkSha256({ digest, size: content.size }, sha256, source)
  return digest
}

/** @throws CHECKSUM_MISMATCH when the bytes have another sha256 than `wanted`, 64 hex digits; undefined takes any */
export function checkSha256(
  { digest, size }: { readonly digest: Digest; readonly size: number },
  wanted: string | undefined,
  source: string,
): void {
  const got = hexOf(digest)
  if (wanted === undefined || got === wanted) return
  throw new OcibakeError('CHECKSUM_MISMATCH', `${source} (${size} bytes) has the sha256 ${got}; wanted ${wanted}.`, {
    hint: 'If the file is meant to have changed, put its new sha256 into the spec; else do not use it.',
  })
}
